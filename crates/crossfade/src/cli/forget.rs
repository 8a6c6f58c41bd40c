//! `forget`: deletes what is kept of one caller. The caller's name goes in a body, never in an address that logs would keep.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::{config::environment, review::Forgotten};

use super::{
    admin::{Admin, Ask},
    args::{ForgetArgs, Output},
    failure::Failure,
    print,
    status::{count, foreign},
};

/// `forget`
pub(super) fn run(args: &ForgetArgs) -> Result<(), Failure> {
    let body = match (&args.user, &args.credential_env) {
        (Some(user), _) => json!({ "user": user }),
        (None, Some(variable)) => {
            let credential = environment(variable).filter(|value| !value.is_empty());
            let credential = credential.ok_or_else(|| {
                Failure::usage(
                    format!("the environment variable {variable} is not set"),
                    "set it to the caller's key or token",
                )
            })?;
            json!({ "credential": credential })
        }
        // The parser insists on one of them.
        (None, None) => json!({}),
    };
    let path = "/api/v1/exchanges".to_owned();
    let answer = Admin::new(&args.admin)?.ask(Ask::change(Method::DELETE, path, body))?;
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let forgotten = Forgotten::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&text(forgotten));
        }
    }
    Ok(())
}

fn text(forgotten: Forgotten) -> String {
    match forgotten.exchanges {
        0 => "nothing was kept of this caller\n".to_owned(),
        1 => "1 exchange of this caller is deleted\n".to_owned(),
        many => format!("{} exchanges of this caller are deleted\n", count(many)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deleted_is_counted() {
        for (exchanges, expected) in [
            (0, "nothing was kept of this caller\n"),
            (1, "1 exchange of this caller is deleted\n"),
            (1_200, "1 200 exchanges of this caller are deleted\n"),
        ] {
            assert_eq!(text(Forgotten { exchanges }), expected);
        }
    }
}
