//! Classify: from a request to an operation, a route, a unit and an eligibility, all by the request alone.
//!
//! The path decides where it can. Only what may be mirrored and some route may want is collected and scanned, once: chat completions,
//! responses, embeddings. Where the path names no deployment it stands in the body, which is collected first. Everything else stays a
//! stream, but for operations on a stored response that a candidate minted: those are for that candidate alone.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderName, Request, request};
use tower::{Layer, Service};

use crossfade_exchange::{
    Allowance, BoxError, IneligibleReason, MirrorOnlyReason, Operation, Side, SideBody,
    SideResponse, SizeClass, full_body,
};
use crossfade_openai::{
    path,
    scan::{Scan, scan},
};

use crate::{
    ProxyError,
    accounting::{RouteAccounts, Seen},
    budget::Hold,
    call::{Call, Eligible, Kind, Pinned},
    collect::{Collected, Overflow, collect},
    credentials::Caller,
    guard::with_guard,
    plane::{Answer, Plane},
    route::{Now, Route, RouteTable},
    unit::unit,
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

impl<'a> Classifying<'a> {
    async fn run(self, body: SideBody) -> Classified {
        let target = path::parse(self.parts.uri.path_and_query().map_or("/", |p| p.as_str()));
        let minted = target
            .response
            .as_deref()
            .and_then(|id| self.routes.minted(id));
        if let Some(route) = minted.cloned() {
            return self.stored(route, body).await;
        }
        let by_path = self.find(target.deployment.clone());
        let operation = match self.by_head(&target, by_path.is_some()) {
            Ok(operation) => operation,
            Err(reason) => return self.forward(reason, by_path, body),
        };
        match self.read(by_path, body).await {
            Ok(read) => read.classify(operation),
            Err(classified) => *classified,
        }
    }

    /// An operation on a stored response that a candidate minted. Its path names no deployment, so the route's name stands for
    /// one.
    async fn stored(self, route: Arc<Route>, body: SideBody) -> Classified {
        let found = (route.id().as_str().to_owned(), route);
        match self.read(Some(found), body).await {
            Ok(read) => read.pinned(false),
            Err(classified) => *classified,
        }
    }

    /// Collects the body, unless there is a reason to pass it on as it comes.
    async fn read(
        mut self,
        found: Option<Found>,
        body: SideBody,
    ) -> Result<Read<'a>, Box<Classified>> {
        let bound = self.plane.settings.request_bytes;
        match collect(body, bound, &self.plane.bytes).await {
            Collected::Whole(body, hold) => {
                self.ready = Instant::now();
                Ok(Read {
                    request: self,
                    found,
                    body,
                    hold,
                })
            }
            Collected::Stream(body, overflow) => {
                let reason = match overflow {
                    Overflow::Bound => IneligibleReason::TooLarge,
                    Overflow::Budget => IneligibleReason::Shed,
                    Overflow::Slow => IneligibleReason::Incomplete,
                };
                Err(Box::new(self.forward(reason, found, body)))
            }
            Collected::Incomplete(error) => {
                let accounts = self.accounts(found.as_ref());
                let seen = accounts.ineligible(IneligibleReason::Incomplete);
                Err(Box::new((seen, Err(error))))
            }
        }
    }

    fn find(&self, deployment: Option<String>) -> Option<Found> {
        let deployment = deployment?;
        let route = Arc::clone(self.routes.find(&deployment)?);
        Some((deployment, route))
    }

    /// What a look at the head can settle; such a request stays a stream.
    fn by_head(
        &self,
        target: &path::Target,
        has_route: bool,
    ) -> Result<Operation, IneligibleReason> {
        let operation = mirrored(target.operation)
            .filter(|_| self.parts.method == http::Method::POST)
            .ok_or(IneligibleReason::Operation);
        match (has_route, &target.deployment) {
            (true, _) if operation.is_ok() && self.own.opted_out => Err(IneligibleReason::OptedOut),
            (false, Some(_)) => Err(IneligibleReason::Unrouted),
            // Without a deployment in the path it stands in the body.
            (true, _) | (false, None) => operation,
        }
    }

    /// Whether the caller is one of the house's own, and the side that such a one asks for.
    fn internal(&self, route: &Route) -> (bool, Option<Side>) {
        let internal = route.settings.internal.name(&self.parts.headers);
        (internal, self.own.named.filter(|_| internal))
    }

    fn accounts<'s>(&'s self, found: Option<&'s Found>) -> &'s RouteAccounts {
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

/// A request whose body has been collected.
struct Read<'a> {
    request: Classifying<'a>,
    found: Option<Found>,
    body: Bytes,
    hold: Hold,
}

// === impl Read ===

impl Read<'_> {
    /// What the body settles.
    fn classify(mut self, operation: Operation) -> Classified {
        let scanned = scan(&self.body).ok();
        if self.found.is_none() {
            let deployment = scanned.as_ref().and_then(|scanned| scanned.model.clone());
            self.found = self.request.find(deployment);
        }
        let Some((_, route)) = &self.found else {
            return self.forward(IneligibleReason::Unrouted);
        };
        let Some(scanned) = scanned else {
            let reason = if self.request.own.opted_out {
                IneligibleReason::OptedOut
            } else {
                IneligibleReason::Unsupported
            };
            return self.forward(reason);
        };
        let allowed = allowance(route, operation, &self.body);
        match allowed {
            // Whoever does not want to be mirrored still wants the answer that only the candidate can give.
            Ok(Allowance::CandidateOnly) => self.pinned(scanned.stream),
            _ if self.request.own.opted_out => self.forward(IneligibleReason::OptedOut),
            Ok(Allowance::Either) => self.eligible(operation, None, &scanned),
            Ok(Allowance::MirrorOnly(reason)) => self.eligible(operation, Some(reason), &scanned),
            Err(reason) => self.forward(reason),
        }
    }

    fn forward(self, reason: IneligibleReason) -> Classified {
        self.request
            .forward(reason, self.found, full_body(self.body))
    }

    /// A request that names state which only the candidate holds.
    fn pinned(self, streamed: bool) -> Classified {
        let Some((deployment, route)) = self.found else {
            return self.forward(IneligibleReason::Unrouted);
        };
        let request = self.request;
        let caller = request
            .plane
            .key
            .caller(&request.parts.headers, &deployment);
        let seen = route.accounts.ineligible(IneligibleReason::Stateful);
        let (internal, named) = request.internal(&route);
        let pinned = Pinned {
            route,
            deployment,
            body: self.body,
            streamed,
            named,
            internal,
            hold: self.hold,
        };
        (seen, Ok(request.call(Some(caller), Kind::Pinned(pinned))))
    }

    /// A request that may be mirrored, and that either side may answer unless there is a reason why not.
    fn eligible(
        self,
        operation: Operation,
        mirror_only: Option<MirrorOnlyReason>,
        scanned: &Scan,
    ) -> Classified {
        let Some((deployment, route)) = self.found else {
            return self.forward(IneligibleReason::Unrouted);
        };
        let Self {
            request,
            body,
            hold,
            ..
        } = self;
        let plane = request.plane;
        let caller = plane.key.caller(&request.parts.headers, &deployment);
        let size = SizeClass::of(body.len());
        let (seen, ticket) = route.accounts.eligible(size, mirror_only);
        let (internal, named) = request.internal(&route);
        let eligible = Eligible {
            unit: unit(plane, &route, caller, &request.parts, &body, scanned),
            deployment,
            operation,
            mirror_only,
            size,
            streamed: scanned.stream,
            json: scanned.json,
            repeatable: repeatable(operation, scanned),
            max_output_tokens: match operation {
                Operation::Chat | Operation::Responses => scanned.max_output_tokens,
                // Nothing is generated.
                Operation::Embeddings => Some(0),
            },
            user: scanned.user.clone(),
            named,
            internal,
            ticket: Some(ticket),
            hold,
            body,
            route,
        };
        (
            seen,
            Ok(request.call(Some(caller), Kind::Eligible(eligible))),
        )
    }
}

/// What may become of a request by the candidate's word.
fn allowance(
    route: &Route,
    operation: Operation,
    body: &Bytes,
) -> Result<Allowance, IneligibleReason> {
    (route.settings.eligibility)(operation, body).map_err(|unsupported| {
        tracing::debug!(route = %route.id(),
            field = %unsupported.field,
            why = %unsupported.why, "proxy.request.ineligible");
        unsupported.reason
    })
}

/// Whether a request may be asked once more: not where that would keep a second answer at the provider, or go on with what it keeps.
/// Embeddings come out the same.
fn repeatable(operation: Operation, scanned: &Scan) -> bool {
    let stateful = scanned.previous_response || scanned.background;
    match operation {
        Operation::Chat => !stateful && scanned.store != Some(true),
        Operation::Responses => !stateful && scanned.store == Some(false),
        Operation::Embeddings => false,
    }
}

/// The operation, if it is one of those that may be mirrored.
fn mirrored(operation: path::Operation) -> Option<Operation> {
    use path::Operation as Asked;
    match operation {
        Asked::ChatCompletions => Some(Operation::Chat),
        Asked::Responses => Some(Operation::Responses),
        Asked::Embeddings => Some(Operation::Embeddings),
        Asked::StoredResponse
        | Asked::CountInput
        | Asked::Compact
        | Asked::Completions
        | Asked::Models
        | Asked::Other => None,
    }
}
