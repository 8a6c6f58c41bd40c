//! `check`: what a configuration means. It validates, then says for each route what it may do and why not more, what the
//! mirror's bounds carry, and what an operator should know before anything depends on the file.

use std::fmt::Write as _;

use serde::Serialize;

use crossfade_compare::Price;
use crossfade_exchange::{Metric, Percent};
use crossfade_rollout::RoutePlan;

use crate::config::{AzureAuth, BedrockAuth, Config, Route, Size, Span, show_sticky_by};

use super::{
    args::{CheckArgs, Output},
    failure::Failure,
    print,
};

mod candidate;
mod judging;
mod log;
mod probe;
mod stages;
mod warnings;

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    file: String,
    facts: Vec<Fact>,
    bounds: Vec<String>,
    routes: Vec<RouteReport>,
    warnings: Vec<String>,
    /// What the real endpoints showed, if they were asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    probes: Vec<probe::RouteProbe>,
}

#[derive(Debug, Serialize)]
struct Fact {
    what: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct RouteReport {
    route: String,
    model: String,
    /// What it may do.
    may: Vec<String>,
    /// What it may not do, and why.
    may_not: Vec<String>,
    /// How long its stages are likely to take.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expected: Vec<stages::Forecast>,
    /// How fast its outcome log grows in shadow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<String>,
}

/// `check`
pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config)?;
    let mut report = report(&config, args.config.display().to_string(), args.rate);
    if args.probe {
        report.probes = probe::run(&config, args.route.as_deref())?;
    }
    match args.output {
        Output::Text => print::data(&text(&report)),
        Output::Json => {
            let json = serde_json::to_string_pretty(&report)
                .map_err(|error| Failure::plain(error.to_string()))?;
            print::data(&json);
        }
    }
    probe::verdict(&report.probes)
}

fn report(config: &Config, file: String, rate: Option<f64>) -> Report {
    Report {
        file,
        facts: facts(config),
        bounds: bounds(config),
        routes: config
            .routes
            .iter()
            .zip(config.plans())
            .map(|(route, plan)| route_report(config, route, &plan, rate))
            .collect(),
        warnings: warnings::of(config, rate),
        probes: Vec::new(),
    }
}

fn facts(config: &Config) -> Vec<Fact> {
    let listen = &config.listen;
    let transport = match &listen.tls {
        Some(tls) if tls.client_ca.is_some() => "TLS, callers show a certificate",
        Some(_) => "TLS",
        None => "plain HTTP",
    };
    let azure_auth = match &config.azure.auth {
        AzureAuth::Passthrough => "the caller's credential",
        AzureAuth::Key(_) => "one key for all callers",
    };
    let bedrock_auth = match &config.bedrock.auth {
        BedrockAuth::Default => "the AWS credential chain",
        BedrockAuth::ApiKey(_) => "an API key",
        BedrockAuth::Static { .. } => "an access key",
    };
    let bedrock_at = match &config.bedrock.endpoint {
        Some(endpoint) => format!(" at {endpoint}"),
        None => String::new(),
    };
    let tokens = match config.admin.tokens.len() {
        1 => "1 token".to_owned(),
        many => format!("{many} tokens"),
    };
    let mut facts = vec![
        Fact {
            what: "listen",
            value: format!(
                "{}, {transport}, bodies up to {}, {} requests in flight",
                listen.address,
                Size(listen.max_body),
                listen.max_in_flight
            ),
        },
        Fact {
            what: "admin",
            value: format!("{}, {tokens}", config.admin.address),
        },
        Fact {
            what: "azure",
            value: format!("{}, {azure_auth}", config.azure.endpoint),
        },
        Fact {
            what: "bedrock",
            value: format!(
                "{}{bedrock_at}, {bedrock_auth}, fallback after {}",
                config.bedrock.region,
                Span(config.bedrock.fallback_after)
            ),
        },
        Fact {
            what: "data",
            value: format!(
                "{}, outcome logs up to {} a route",
                config.data.directory.display(),
                Size(config.data.outcome_log_bytes)
            ),
        },
    ];
    facts.extend(judging::facts(config));
    facts
}

/// What the mirror's bounds carry. Little's law: in flight = rate × time.
fn bounds(config: &Config) -> Vec<String> {
    let mirror = &config.mirror;
    if !mirror.enabled || mirror.share.is_zero() {
        return vec!["mirroring is off: nothing is compared".to_owned()];
    }
    let rates = |in_flight: u64| {
        let at = |seconds: u64| {
            let rate = in_flight / seconds.max(1);
            format!("{rate} a second at {seconds} s each")
        };
        format!("{}, {}, {}", at(1), at(5), at(20))
    };
    let slots = u64::try_from(mirror.slots).unwrap_or(u64::MAX);
    let held = |bytes: usize| u64::try_from(mirror.bytes / bytes.max(1)).unwrap_or(u64::MAX);
    let usual: usize = 32 << 10;
    let most = mirror
        .request_bytes
        .saturating_add(mirror.answer_bytes.saturating_mul(2));
    let size = |bytes: usize| Size(u64::try_from(bytes).unwrap_or(u64::MAX));
    let mut lines = vec![
        format!("{} of eligible units are copied", mirror.share),
        format!("{slots} copies in flight carry {}", rates(slots)),
        format!(
            "{} hold {} exchanges of {} (request and both answers): {}",
            size(mirror.bytes),
            held(usual),
            size(usual),
            rates(held(usual))
        ),
        format!(
            "{} hold {} exchanges of the largest size, {}: {}",
            size(mirror.bytes),
            held(most),
            size(most),
            rates(held(most))
        ),
        "beyond that, copies are dropped and counted; callers never wait for one".to_owned(),
    ];
    if let Some(rate) = mirror.rate {
        lines.push(format!("at most {rate} copies are begun a second"));
    }
    lines.extend(twice(config));
    lines
}

/// What asking twice takes and what it tells.
fn twice(config: &Config) -> Vec<String> {
    let mirror = &config.mirror;
    let (primary, candidate) = (mirror.ask_primary_twice, mirror.ask_candidate_twice);
    if primary.is_zero() {
        return vec![
            "nothing is asked twice: how far the primary disagrees with itself stays unknown"
                .to_owned(),
        ];
    }
    let a_day = |share: Percent, rate: f64| share.ratio() * rate * 86_400.0;
    let (rate, whose) = match mirror.rate {
        Some(rate) => (rate, "at the limit on copies"),
        None => (1.0, "at one pair a second"),
    };
    let mut lines = vec![
        format!(
            "of the compared pairs {primary} have their primary asked once more, {candidate} their candidate too: {whose}, {:.0} and {:.0} a day; 1 000 tell a rate to about 3 points",
            a_day(primary, rate),
            a_day(candidate, rate)
        ),
        "the primary is asked twice only while Azure shows more than half of its quota left and sent no 429 for a minute; where it shows none, six a minute on a route".to_owned(),
    ];
    for route in &config.routes {
        let checks = &route.checks;
        let costs = [(checks.primary_price, primary), (checks.price, candidate)]
            .map(|(price, share)| Some(usual_usd(price?) * share.ratio() * 1000.0));
        if let [Some(of_primary), of_candidate] = costs {
            lines.push(format!(
                "route {}: asking twice costs about {:.2} USD for each 1 000 pairs of 1 000 tokens in and 250 out",
                route.id,
                of_primary + of_candidate.unwrap_or_default()
            ));
        }
    }
    lines
}

/// What an answer of 250 tokens to a prompt of 1 000 costs.
fn usual_usd(price: Price) -> f64 {
    (1000.0 * price.input + 250.0 * price.output) / 1e6
}

fn route_report(
    config: &Config,
    route: &Route,
    plan: &RoutePlan,
    rate: Option<f64>,
) -> RouteReport {
    let mut may = Vec::new();
    let mut may_not = Vec::new();
    let mirror = &config.mirror;
    if mirror.enabled && !mirror.share.is_zero() {
        may.push(format!(
            "shadow: {} of its eligible units are copied and compared",
            mirror.share
        ));
    } else {
        may_not.push("shadow: mirroring is off; set mirror.enabled and mirror.share".to_owned());
    }
    if candidate::splits(&route.candidate) {
        stages::say(config, route, plan, &mut may, &mut may_not);
    }
    let metrics: Vec<&str> = route.rollout.metrics.iter().map(Metric::as_str).collect();
    if !metrics.is_empty() {
        may.push(format!(
            "roll back by itself, on {}; a false alarm in at most {} of attempts",
            metrics.join(", "),
            show_chance(route.rollout.alpha)
        ));
    }
    may.push(format!("assign by {}", show_sticky_by(&route.sticky_by)));
    candidate::say(&route.candidate, &mut may, &mut may_not);
    if route.checks.price.is_none() {
        may_not.push(candidate::unpriced(&route.candidate));
    }
    if !route.internal.is_empty() {
        may.push(format!(
            "answer internal callers from stage internal on, by {}",
            candidate::named(&route.internal)
        ));
    }
    RouteReport {
        route: route.id.to_string(),
        model: route.candidate.model.clone(),
        may,
        may_not,
        expected: if candidate::splits(&route.candidate) {
            stages::forecasts(mirror, plan, rate)
        } else {
            Vec::new()
        },
        log: log::lines(config, plan, rate),
    }
}

/// A probability in percent; tiny ones by their power of ten.
fn show_chance(chance: f64) -> String {
    if chance < 1e-6 {
        format!("{chance:e}")
    } else {
        // Up to eight decimals, without what the multiplication adds.
        let percent = format!("{:.8}", chance * 100.0);
        let short = percent.trim_end_matches('0').trim_end_matches('.');
        format!("{short} %")
    }
}

fn text(report: &Report) -> String {
    let mut out = format!("{} is valid\n\n", report.file);
    for fact in &report.facts {
        let _ = writeln!(out, "{:<9} {}", fact.what, fact.value);
    }
    out.push_str("\nmirror\n");
    for bound in &report.bounds {
        let _ = writeln!(out, "  {bound}");
    }
    if report.routes.is_empty() {
        out.push_str("\nno route: everything is passed through to Azure\n");
    }
    for route in &report.routes {
        let _ = writeln!(out, "\n{} -> {}", route.route, route.model);
        for line in &route.may {
            let _ = writeln!(out, "  may      {line}");
        }
        for line in &route.may_not {
            let _ = writeln!(out, "  may not  {line}");
        }
        if !route.expected.is_empty() {
            out.push_str("  likely   in nine of ten cases no longer than this, if the candidate is as good as the primary, every request says something of every gate, and the primary differs from itself in 9 %:\n");
        }
        for forecast in &route.expected {
            let _ = writeln!(out, "           {}", forecast.line());
        }
        for (place, line) in route.log.iter().enumerate() {
            let label = if place == 0 { "log" } else { "" };
            let _ = writeln!(out, "  {label:<8} {line}");
        }
    }
    for warning in &report.warnings {
        let _ = write!(out, "\nwarning: {warning}");
    }
    if !report.warnings.is_empty() {
        out.push('\n');
    }
    for probe in &report.probes {
        out.push('\n');
        probe.show(&mut out);
    }
    out
}

#[cfg(test)]
mod tests;
