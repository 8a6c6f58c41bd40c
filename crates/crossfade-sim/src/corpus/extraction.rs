//! Texts to turn into JSON: invoices, contacts, appointments. Built from templates, so that the truth is known.

use serde_json::{Value, json};

use super::{CorpusPrompt, Family, Truth};

const INVOICES: &[(&str, &str, &str, f64, i64)] = &[
    ("Morel & Daughters", "MD-2291", "2026-02-03", 412.5, 14),
    ("Northlight Printing", "88-1043", "2026-01-19", 96.2, 30),
    ("Kasimir Logistics", "KL/7/2026", "2026-03-01", 1_880.0, 10),
    ("Blue Heron Foods", "BH-00017", "2026-02-27", 54.99, 14),
    ("Atelier Okonjo", "AO-612", "2025-12-30", 3_200.0, 60),
    ("Ferrand Tools", "F-90210", "2026-04-11", 18.75, 7),
    ("Salt Marsh Energy", "SME-4410", "2026-03-15", 742.1, 21),
    ("Pinewood Dental Lab", "PDL-33", "2026-01-08", 265.0, 30),
    (
        "Harbour Language School",
        "HLS-7001",
        "2026-02-14",
        990.0,
        14,
    ),
    ("Quartz Cleaning", "QC-5-118", "2026-03-22", 149.9, 14),
];

const CONTACTS: &[(&str, &str, &str, &str)] = &[
    (
        "Ines Falk",
        "purchasing",
        "ines.falk@example.com",
        "+32 2 555 01 17",
    ),
    (
        "Tomasz Lem",
        "warehouse",
        "t.lem@example.org",
        "+48 22 555 90 03",
    ),
    (
        "Grace Adeyemi",
        "accounting",
        "grace@example.net",
        "+44 20 5550 1432",
    ),
    (
        "Paul Norrgard",
        "sales",
        "paul.norrgard@example.com",
        "+46 8 555 012 88",
    ),
    (
        "Mina Sato",
        "support",
        "mina@example.org",
        "+81 3 5550 2211",
    ),
    (
        "Luca Berti",
        "marketing",
        "l.berti@example.com",
        "+39 06 555 7130",
    ),
    (
        "Hanna Vogel",
        "research",
        "vogel.h@example.net",
        "+49 30 5550 664",
    ),
    (
        "Omar Rahal",
        "legal",
        "omar.rahal@example.com",
        "+961 1 555 207",
    ),
];

const APPOINTMENTS: &[(&str, &str, &str, i64, &[&str])] = &[
    (
        "Quarterly review",
        "2026-05-04",
        "09:30",
        90,
        &["Ana", "Bo", "Chi"],
    ),
    (
        "Roof inspection",
        "2026-05-06",
        "14:00",
        45,
        &["Dora", "Emil"],
    ),
    (
        "Interview for the bakery",
        "2026-05-11",
        "11:15",
        60,
        &["Fay", "Gus"],
    ),
    ("Fire drill", "2026-06-01", "10:00", 20, &["Everyone"]),
    (
        "Supplier call",
        "2026-06-03",
        "16:45",
        30,
        &["Hana", "Ivo", "Jo", "Kit"],
    ),
    ("Budget round", "2026-06-09", "08:00", 120, &["Lea", "Max"]),
    ("Photo session", "2026-06-17", "13:30", 75, &["Nia", "Oto"]),
    (
        "Choir rehearsal",
        "2026-06-20",
        "19:00",
        105,
        &["Pia", "Quin", "Rut"],
    ),
];

const SYSTEM: &str = "You read business mail and answer with one JSON object that fits the schema. Copy numbers and \
                      dates exactly. Put anything else that matters into note, in one short sentence.";

pub(super) fn prompts() -> Vec<CorpusPrompt> {
    let invoices = INVOICES.iter().map(invoice);
    let contacts = CONTACTS.iter().map(contact);
    let appointments = APPOINTMENTS.iter().map(appointment);
    let all = invoices.chain(contacts).chain(appointments);
    all.enumerate()
        .map(|(number, (kind, user, schema, right))| {
            let id = format!("extract-{kind}-{number:02}");
            let truth = Truth::Object {
                schema: schema.clone(),
                right,
            };
            CorpusPrompt::new(id, Family::Extraction, SYSTEM, user, truth)
                .with_schema(kind, &schema)
        })
        .collect()
}

type Case = (&'static str, String, Value, Value);

fn invoice(&(supplier, number, date, total, days): &(&str, &str, &str, f64, i64)) -> Case {
    let user = format!(
        "{supplier} writes: please find attached our invoice {number} of {date}. The sum of {total:.2} EUR is due \
         within {days} days. Kindly quote the number."
    );
    let right = json!({
        "supplier": supplier, "number": number, "date": date, "total": total, "due_in_days": days,
        "note": "The number is to be quoted.",
    });
    let members = json!({
        "supplier": {"type": "string"}, "number": {"type": "string"}, "date": {"type": "string"},
        "total": {"type": "number"}, "due_in_days": {"type": "integer"}, "note": {"type": "string"},
    });
    ("invoice", user, object(&members), right)
}

fn contact(&(name, department, mail, phone): &(&str, &str, &str, &str)) -> Case {
    let user = format!(
        "Signature of a mail: Best regards, {name}, head of {department}. Write to {mail} or call {phone}, Mondays \
         to Thursdays."
    );
    let right = json!({
        "name": name, "department": department, "email": mail, "phone": phone,
        "note": "Reachable Mondays to Thursdays.",
    });
    let members = json!({
        "name": {"type": "string"}, "department": {"type": "string"}, "email": {"type": "string"},
        "phone": {"type": "string"}, "note": {"type": "string"},
    });
    ("contact", user, object(&members), right)
}

fn appointment(&(title, date, time, minutes, people): &(&str, &str, &str, i64, &[&str])) -> Case {
    let user = format!(
        "Note to self: {title} on {date}, starts {time}, plan {minutes} minutes. Coming: {}.",
        people.join(", ")
    );
    let right = json!({
        "title": title, "date": date, "time": time, "minutes": minutes, "people": people,
        "note": "Nothing else.",
    });
    let members = json!({
        "title": {"type": "string"}, "date": {"type": "string"}, "time": {"type": "string"},
        "minutes": {"type": "integer"}, "people": {"type": "array", "items": {"type": "string"}},
        "note": {"type": "string"},
    });
    ("appointment", user, object(&members), right)
}

/// A closed object, every member required.
fn object(members: &Value) -> Value {
    let names: Vec<&String> = members
        .as_object()
        .into_iter()
        .flat_map(|m| m.keys())
        .collect();
    json!({"type": "object", "properties": members, "required": names, "additionalProperties": false})
}
