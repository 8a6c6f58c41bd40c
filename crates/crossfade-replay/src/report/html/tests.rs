use super::*;
use crate::report::samples;

const HOSTILE: &str = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}]8;;http://x\u{7}\u{202e}\"'`${x}";

fn details() -> Details {
    Details {
        shown: vec![Detail {
            case: 1,
            repeat: 0,
            prompt: HOSTILE.to_owned(),
            primary: Some(format!("same {HOSTILE}")),
            candidate: Some(format!("other {HOSTILE}")),
        }],
        more: 3,
    }
}

/// Every tag of a page.
fn tags(page: &str) -> Vec<&str> {
    let starts = page.split('<').skip(1);
    starts.map(|rest| rest.split_once('>').unwrap().0).collect()
}

#[test]
fn a_hostile_answer_stays_text() {
    let mut report = samples::report();
    HOSTILE.clone_into(&mut report.route);
    report.why.push(HOSTILE.to_owned());
    for case in &mut report.cases {
        case.id.push_str(HOSTILE);
        for repeat in &mut case.repeats {
            for assertion in &mut repeat.assertions {
                HOSTILE.clone_into(&mut assertion.reason);
                HOSTILE.clone_into(&mut assertion.name);
            }
        }
    }
    report.confusion.as_mut().unwrap().labels[0] = HOSTILE.to_owned();
    let page = html(&report, &details());
    let (head, body) = page.split_once("</style>").unwrap();
    let (body, _) = body.split_once("<script>\"use strict\"").unwrap();
    assert!(
        !head
            .split_once("<style>")
            .unwrap()
            .0
            .contains("alert(1)</script>")
    );
    for tag in tags(body) {
        // What stands between quotation marks is a value and no name.
        let tag: String = tag.split('"').step_by(2).collect();
        for part in ["script", "img", "onerror", "alert", "iframe"] {
            assert!(!tag.contains(part), "{tag}");
        }
    }
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
}

#[test]
fn nothing_is_asked_of_the_network() {
    let page = html(&samples::report(), &Details::default());
    for part in [
        "http:", "https:", "url(", "@import", " src=", "fetch(", "import(",
    ] {
        assert!(!page.contains(part), "{part}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_script_is_the_one_that_is_allowed() {
    let page = html(&samples::report(), &details());
    let inline = page
        .rsplit_once("<script>")
        .unwrap()
        .1
        .split_once("</script>")
        .unwrap()
        .0;
    let digest = STANDARD.encode(Sha256::digest(inline.as_bytes()));
    assert!(page.contains(&format!("script-src 'sha256-{digest}'")));
}

#[test]
fn what_the_page_shows() {
    let page = html(&samples::report(), &details());
    for part in [
        "<h1>Replay of support</h1><span class=\"badge failed\">failed</span>",
        "<li>1 case failed that must not: always</li>",
        "<b>2</b><span class=\"soft\">fail every time</span>",
        "<span class=\"badge failed\">always fails</span>",
        "1 answers were lost",
        "seed dropped",
        "median 200 ms",
        "and 3 more, whose answers stand in answers.jsonl",
        "<del>same</del>",
        "<ins>other</ins>",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn many_cases_are_counted_and_not_shown() {
    let mut report = samples::report();
    let one = report.cases[0].clone();
    report.cases.extend(std::iter::repeat_n(one, 3000));
    let page = html(&report, &Details::default());
    assert!(page.contains("and 2005 more in report.json"));
    assert!(page.len() < 1 << 20, "{}", page.len());
}
