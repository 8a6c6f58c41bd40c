//! `simulate`: one simulated provider, alone, until it is stopped. How it behaves on the wire is the simulator's.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    bedrock::{ACCESS_KEY, BedrockOptions, BedrockSim, SECRET, Surface},
    corpus::{Corpus, Voice},
    script::{Fault, Pace, Script},
};

use crate::{
    config::{Size, Span},
    signals::Signals,
};

use super::{
    args::{Provider, SimulateArgs},
    failure::Failure,
    print,
    process::on_all_cores,
};

/// `simulate`
pub(super) fn run(args: SimulateArgs) -> Result<(), Failure> {
    if !(0.0..=1.0).contains(&args.fault_share) {
        return Err(Failure::usage(
            "--fault-share is no share",
            "use a number from 0 to 1",
        ));
    }
    if !(args.tokens_per_second.is_finite() && args.tokens_per_second >= 0.0) {
        return Err(Failure::usage(
            "--tokens-per-second is no rate",
            "use a number of at least 0",
        ));
    }
    let voice = match args.provider {
        Provider::Azure => Voice::Primary,
        Provider::Bedrock | Provider::Mantle => Voice::Candidate,
    };
    let script = Script::new(Arc::new(Corpus::new()).voice(voice));
    script.set_pace(Pace {
        first_content: args.first_content.0,
        tokens_per_second: args.tokens_per_second,
    });
    if let Some(fault) = &args.fault {
        let fault = parse_fault(fault).map_err(|error| {
            Failure::usage(
                error,
                "see `crossfade simulate --help` for the faults and their form",
            )
        })?;
        script.set_faults(vec![(args.fault_share, fault)]);
    }
    on_all_cores(serve(args, script))
}

async fn serve(args: SimulateArgs, script: Script) -> anyhow::Result<()> {
    let address = Some(args.address);
    match args.provider {
        Provider::Azure => {
            let simulator = AzureSim::start(AzureOptions {
                address,
                script,
                ..AzureOptions::default()
            })
            .await?;
            simulator.server().keep_received(0);
            let mut signals = Signals::new()?;
            print::data(&format!("simulated Azure OpenAI on {}", simulator.url()));
            print::note("any deployment exists, any api-key is accepted; stop with Ctrl-C");
            signals.told().await;
        }
        Provider::Bedrock => bedrock(address, script, Surface::Runtime, "Amazon Bedrock").await?,
        Provider::Mantle => bedrock(address, script, Surface::Mantle, "bedrock-mantle").await?,
    }
    Ok(())
}

async fn bedrock(
    address: Option<SocketAddr>,
    script: Script,
    surface: Surface,
    name: &str,
) -> anyhow::Result<()> {
    let options = BedrockOptions {
        address,
        script,
        surface,
        ..BedrockOptions::default()
    };
    let region = options.region.clone();
    let simulator = BedrockSim::start(options).await?;
    simulator.server().keep_received(0);
    let mut signals = Signals::new()?;
    print::data(&format!("simulated {name} on {}", simulator.url()));
    print::note(&format!(
        "signatures are verified for service {service} in region {region}, AWS_ACCESS_KEY_ID={ACCESS_KEY}, \
         AWS_SECRET_ACCESS_KEY={SECRET}; stop with Ctrl-C",
        service = surface.signing_name(),
    ));
    signals.told().await;
    Ok(())
}

/// A fault as it is typed: its name, then what it needs, separated by colons.
fn parse_fault(text: &str) -> Result<Fault, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let deltas = |text: &str| {
        text.parse::<usize>()
            .map_err(|_| format!("{text:?} is no number of content deltas"))
    };
    match parts.as_slice() {
        ["none"] => Ok(Fault::None),
        ["hang"] => Ok(Fault::Hang),
        ["no-read"] => Ok(Fault::NoRead),
        ["reset"] => Ok(Fault::Reset),
        ["garbage"] => Ok(Fault::Garbage),
        ["drip", interval] => Ok(Fault::SlowDrip {
            interval: duration(interval)?,
        }),
        ["status", code] => Ok(Fault::Status {
            status: status(code)?,
            retry_after: None,
        }),
        ["status", code, seconds] => {
            let retry_after = seconds
                .parse()
                .map_err(|_| format!("{seconds:?} is no number of seconds"))?;
            Ok(Fault::Status {
                status: status(code)?,
                retry_after: Some(retry_after),
            })
        }
        ["truncate", after] => Ok(Fault::Truncate {
            after: deltas(after)?,
        }),
        ["end-early", after] => Ok(Fault::EndEarly {
            after: deltas(after)?,
        }),
        ["linger"] => Ok(Fault::Linger),
        ["no-events"] => Ok(Fault::NoEvents),
        ["unknown-events"] => Ok(Fault::UnknownEvents),
        ["unknown-finish", word] => Ok(Fault::UnknownFinish {
            word: (*word).to_owned(),
        }),
        ["stall", after] => Ok(Fault::Stall {
            after: deltas(after)?,
        }),
        ["huge", size] => Ok(Fault::Huge {
            bytes: size.parse::<Size>()?.bytes(),
        }),
        ["exception", name] => Ok(Fault::Exception {
            name: (*name).to_owned(),
        }),
        ["exception-in-stream", name, after] => Ok(Fault::ExceptionInStream {
            name: (*name).to_owned(),
            after: deltas(after)?,
        }),
        _ => Err(format!("unknown fault {text:?}")),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    Ok(text.parse::<Span>()?.0)
}

fn status(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(code @ 400..=599) => Ok(code),
        Ok(_) | Err(_) => Err(format!(
            "{text:?} is no status of a failure: use 400 to 599"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a list of cases")]
    fn faults() {
        for (text, fault) in [
            ("none", Fault::None),
            ("hang", Fault::Hang),
            (
                "drip:50ms",
                Fault::SlowDrip {
                    interval: Duration::from_millis(50),
                },
            ),
            (
                "status:503",
                Fault::Status {
                    status: 503,
                    retry_after: None,
                },
            ),
            (
                "status:429:7",
                Fault::Status {
                    status: 429,
                    retry_after: Some(7),
                },
            ),
            ("truncate:3", Fault::Truncate { after: 3 }),
            ("end-early:0", Fault::EndEarly { after: 0 }),
            ("linger", Fault::Linger),
            ("no-events", Fault::NoEvents),
            ("unknown-events", Fault::UnknownEvents),
            (
                "unknown-finish:bored",
                Fault::UnknownFinish {
                    word: "bored".to_owned(),
                },
            ),
            ("huge:50MiB", Fault::Huge { bytes: 50 << 20 }),
            (
                "exception:ThrottlingException",
                Fault::Exception {
                    name: "ThrottlingException".to_owned(),
                },
            ),
            (
                "exception-in-stream:throttlingException:2",
                Fault::ExceptionInStream {
                    name: "throttlingException".to_owned(),
                    after: 2,
                },
            ),
        ] {
            assert_eq!(parse_fault(text).unwrap(), fault, "{text}");
        }
        for (text, part) in [
            ("", "unknown fault"),
            ("hang:1", "unknown fault"),
            ("status", "unknown fault"),
            ("status:200", "no status of a failure"),
            ("drip:fast", "is not a duration"),
            ("stall:x", "no number of content deltas"),
        ] {
            let error = parse_fault(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
