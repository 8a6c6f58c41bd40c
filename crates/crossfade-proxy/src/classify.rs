//! Classify: from a request to an operation, a route, a unit and an eligibility, all by the request alone.
//!
//! The path decides where it can. Only a chat completion that some route may want is collected and scanned, once; on v1 paths the
//! deployment stands in the body, so it is collected first. Everything else stays a stream.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderName, Request, request};
use tower::{Layer, Service};

use crossfade_exchange::{
    BoxError, IneligibleReason, Side, SideBody, SideResponse, SizeClass, Unit, full_body,
};
use crossfade_openai::{
    path::{self, Dialect, Operation},
    scan::{Scan, scan},
};

use crate::{
    ProxyError,
    accounting::{RouteAccounts, Seen},
    budget::Hold,
    call::{Call, Eligible, Kind},
    collect::{Collected, Overflow, collect},
    credentials::Caller,
    guard::with_guard,
    plane::{Answer, Plane},
    route::{Now, Route, RouteTable, StickyBy},
};

const SIDE: HeaderName = HeaderName::from_static("x-crossfade-side");
const NO_MIRROR: HeaderName = HeaderName::from_static("x-crossfade-no-mirror");

/// Makes [`Classify`].
#[derive(Clone, Debug)]
pub(crate) struct ClassifyLayer(pub(crate) Arc<Plane>);

/// Finds out what a request is, and keeps it counted until its answer has ended.
#[derive(Clone, Debug)]
pub(crate) struct Classify<S> {
    plane: Arc<Plane>,
    inner: S,
}

impl<S> Layer<S> for ClassifyLayer {
    type Service = Classify<S>;

    fn layer(&self, inner: S) -> Classify<S> {
        Classify {
            plane: Arc::clone(&self.0),
            inner,
        }
    }
}

impl<S> Service<Request<SideBody>> for Classify<S>
where
    S: Service<Call, Response = SideResponse, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = SideResponse;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<SideBody>) -> Self::Future {
        let plane = Arc::clone(&self.plane);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let (seen, call) = classify(&plane, request).await;
            let answer: Answer = Box::pin(inner.call(call?));
            let answer = answer.await?;
            Ok(with_guard(answer, seen))
        })
    }
}

/// What the caller's own headers to the proxy say; they never reach Azure.
struct OwnHeaders {
    opted_out: bool,
    named: Option<Side>,
}

impl OwnHeaders {
    fn take(parts: &mut request::Parts) -> Self {
        let opted_out = parts.headers.remove(NO_MIRROR).is_some_and(|v| v == "1");
        let named = parts.headers.remove(SIDE);
        let named = named.and_then(|v| v.to_str().ok()?.parse().ok());
        Self { opted_out, named }
    }
}

type Classified = (Seen, Result<Call, ProxyError>);

/// A route, under the name of the deployment that was asked for.
type Found = (String, Arc<Route>);

async fn classify(plane: &Plane, request: Request<SideBody>) -> Classified {
    let received = Now::read();
    let (mut parts, body) = request.into_parts();
    let own = OwnHeaders::take(&mut parts);
    let routes = Arc::clone(&plane.routes);
    Classifying {
        plane,
        routes,
        parts,
        own,
        received,
        ready: received.instant,
    }
    .run(body)
    .await
}

/// A request about to be understood.
struct Classifying<'a> {
    plane: &'a Plane,
    routes: Arc<RouteTable>,
    parts: request::Parts,
    own: OwnHeaders,
    received: Now,
    ready: Instant,
}

impl Classifying<'_> {
    async fn run(mut self, body: SideBody) -> Classified {
        let target = path::parse(self.parts.uri.path_and_query().map_or("/", |p| p.as_str()));
        let by_path = self.find(target.deployment.clone());
        if let Some(reason) = self.by_head(&target, by_path.is_some()) {
            return self.forward(reason, by_path, body);
        }
        let bound = self.plane.settings.request_bytes;
        let (body, hold) = match collect(body, bound, &self.plane.bytes).await {
            Collected::Whole(body, hold) => (body, hold),
            Collected::Stream(body, Overflow::Bound) => {
                return self.forward(IneligibleReason::TooLarge, by_path, body);
            }
            Collected::Stream(body, Overflow::Budget) => {
                return self.forward(IneligibleReason::Shed, by_path, body);
            }
            Collected::Stream(body, Overflow::Slow) => {
                return self.forward(IneligibleReason::Incomplete, by_path, body);
            }
            Collected::Incomplete(error) => {
                let seen = self
                    .accounts(by_path.as_ref())
                    .ineligible(IneligibleReason::Incomplete);
                return (seen, Err(error));
            }
        };
        self.ready = Instant::now();
        let scanned = scan(&body).ok();
        let found = by_path
            .or_else(|| self.find(scanned.as_ref().and_then(|scanned| scanned.model.clone())));
        let Some((deployment, route)) = found else {
            return self.forward(IneligibleReason::Unrouted, None, full_body(body));
        };
        match (self.by_body(&route, &body, scanned.is_some()), scanned) {
            (Ok(()), Some(scanned)) => self.eligible(deployment, route, body, hold, &scanned),
            (verdict, _) => {
                let reason = verdict.err().unwrap_or(IneligibleReason::Unsupported);
                self.forward(reason, Some((deployment, route)), full_body(body))
            }
        }
    }

    fn find(&self, deployment: Option<String>) -> Option<Found> {
        let deployment = deployment?;
        let route = Arc::clone(self.routes.find(&deployment)?);
        Some((deployment, route))
    }

    /// What a look at the head can settle; such a request stays a stream.
    fn by_head(&self, target: &path::Target, has_route: bool) -> Option<IneligibleReason> {
        let is_chat = target.operation == Operation::ChatCompletions
            && self.parts.method == http::Method::POST;
        match (has_route, target.dialect) {
            (true, _) if !is_chat => Some(IneligibleReason::Operation),
            (true, _) if self.own.opted_out => Some(IneligibleReason::OptedOut),
            (true, _) => None,
            // The deployment stands in the body.
            (false, Dialect::V1) if is_chat => None,
            (false, _) if target.deployment.is_some() => Some(IneligibleReason::Unrouted),
            (false, _) => Some(IneligibleReason::Operation),
        }
    }

    /// What the body settles.
    fn by_body(&self, route: &Route, body: &Bytes, scanned: bool) -> Result<(), IneligibleReason> {
        if self.own.opted_out {
            return Err(IneligibleReason::OptedOut);
        }
        if !scanned {
            return Err(IneligibleReason::Unsupported);
        }
        (route.settings.eligibility)(body).map_err(|unsupported| {
            tracing::debug!(route = %route.id(),
                field = %unsupported.field,
                why = %unsupported.why, "proxy.request.ineligible");
            unsupported.reason
        })
    }

    fn accounts<'a>(&'a self, found: Option<&'a Found>) -> &'a RouteAccounts {
        found.map_or(&self.routes.unrouted.0, |(_, route)| &route.accounts)
    }

    /// A request that only Azure answers.
    fn forward(self, reason: IneligibleReason, found: Option<Found>, body: SideBody) -> Classified {
        let seen = self.accounts(found.as_ref()).ineligible(reason);
        let caller = found
            .as_ref()
            .map(|(deployment, _)| self.plane.key.caller(&self.parts.headers, deployment));
        let kind = Kind::Forward(body, found.map(|(_, route)| route));
        (seen, Ok(self.call(caller, kind)))
    }

    /// A request that either side may answer.
    fn eligible(
        self,
        deployment: String,
        route: Arc<Route>,
        body: Bytes,
        hold: Hold,
        scanned: &Scan,
    ) -> Classified {
        let caller = self.plane.key.caller(&self.parts.headers, &deployment);
        let size = SizeClass::of(body.len());
        let (seen, ticket) = route.accounts.eligible(size);
        let named = self
            .own
            .named
            .filter(|_| (route.settings.internal)(&self.parts.headers));
        let eligible = Eligible {
            unit: unit(self.plane, &route, caller, &self.parts, &body, scanned),
            deployment,
            size,
            streamed: scanned.stream,
            json: scanned.json,
            max_output_tokens: scanned.max_output_tokens,
            named,
            ticket: Some(ticket),
            hold,
            body,
            route,
        };
        (seen, Ok(self.call(Some(caller), Kind::Eligible(eligible))))
    }

    fn call(self, caller: Option<Caller>, kind: Kind) -> Call {
        let Self {
            parts,
            received,
            ready,
            ..
        } = self;
        Call {
            id: rand::random(),
            parts,
            received,
            ready,
            caller,
            admitted: false,
            kind,
        }
    }
}

/// The unit that is assigned as a whole (interfaces: `sticky_by`).
fn unit(
    plane: &Plane,
    route: &Route,
    caller: Caller,
    parts: &request::Parts,
    body: &[u8],
    scan: &Scan,
) -> Unit {
    let key = &plane.key;
    let credential = || key.unit("credential", caller, []);
    match &route.settings.sticky_by {
        StickyBy::Conversation => {
            let messages = scan.conversation.iter().filter_map(|r| body.get(r.clone()));
            key.unit("conversation", caller, messages)
        }
        StickyBy::User => match &scan.user {
            Some(user) => key.unit("user", 0, [user.as_bytes()]),
            None => credential(),
        },
        StickyBy::Credential => credential(),
        StickyBy::Request => Unit(rand::random()),
        StickyBy::Header(name) => match parts.headers.get(name) {
            Some(value) => key.unit("header", 0, [value.as_bytes()]),
            None => credential(),
        },
    }
}
