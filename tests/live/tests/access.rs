//! A broker that wants TLS and a password: who is let in, and what is said to who is not.

use anyhow::{Result, ensure};
use kappascope_infra::{Engine, Guard, Kafka};
use kappascope_live::days::{PIPELINE, records};
use kappascope_live::{Place, binary, words};
use std::path::PathBuf;

const PASSWORD: &str = "a secret that nobody prints";
const WRONG: &str = "another that nobody prints";

/// A broker with such a listener, a topic of ten records, and the file of a certificate that has nothing to do with it.
struct Guarded {
    place: Place,
    certificate: PathBuf,
    foreign: PathBuf,
    /// They are there as long as the broker is.
    _folder: tempfile::TempDir,
}

impl Guarded {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).map(|()| path)
        };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let with_key = write("broker.pem", made.signing_key.serialize_pem() + &made.cert.pem())?;
        let certificate = write("ca.pem", made.cert.pem())?;
        let other = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let foreign = write("foreign.pem", other.cert.pem())?;
        let guard = Guard { certificate: with_key, user: "ada", password: PASSWORD };
        let place = Place::of(PIPELINE, Kafka::find()?.guarded(guard), Engine::find()?)?;
        place.make_topic("visits", 1)?;
        place.writer()?.write("visits", 0, &records(0..10))?;
        Ok(Self { place, certificate, foreign, _folder: folder })
    }

    fn topic(&self, case: &Case) -> String {
        let port = self.place.kafka.port() + Kafka::GUARDED;
        let ca = if case.knows_the_broker { &self.certificate } else { &self.foreign };
        format!(
            "kafka://localhost:{port}/visits?group={}&epoch={}&broker.address.family=v4&\
             security.protocol=sasl_ssl&sasl.mechanism={}&sasl.username=ada&ssl.ca.location={}",
            case.name,
            case.epoch,
            case.mechanism,
            ca.display()
        )
    }

    fn tell_password(&mut self, password: Option<&str>) {
        self.place.environment =
            password.map(|password| ("KAPPASCOPE_KAFKA_PASSWORD", password.to_owned())).into_iter().collect();
    }
}

struct Case {
    name: &'static str,
    /// Which has tables of its own.
    epoch: u32,
    mechanism: &'static str,
    password: Option<&'static str>,
    knows_the_broker: bool,
    /// What is said; nothing when it is let in.
    refusal: &'static [&'static str],
}

const CASES: [Case; 6] = [
    Case {
        name: "plain",
        epoch: 1,
        mechanism: "PLAIN",
        password: Some(PASSWORD),
        knows_the_broker: true,
        refusal: &[],
    },
    Case {
        name: "scram",
        epoch: 2,
        mechanism: "SCRAM-SHA-256",
        password: Some(PASSWORD),
        knows_the_broker: true,
        refusal: &[],
    },
    Case {
        name: "plain_wrong",
        epoch: 3,
        mechanism: "PLAIN",
        password: Some(WRONG),
        knows_the_broker: true,
        refusal: &["localhost:", "Authentication failed"],
    },
    Case {
        name: "scram_wrong",
        epoch: 4,
        mechanism: "SCRAM-SHA-256",
        password: Some(WRONG),
        knows_the_broker: true,
        refusal: &["localhost:", "uthentication failed"],
    },
    Case {
        name: "none",
        epoch: 5,
        mechanism: "PLAIN",
        password: None,
        knows_the_broker: true,
        refusal: &["KAPPASCOPE_KAFKA_PASSWORD"],
    },
    Case {
        name: "foreign",
        epoch: 6,
        mechanism: "PLAIN",
        password: Some(PASSWORD),
        knows_the_broker: false,
        refusal: &["localhost:", "not trusted", "ssl.ca.location"],
    },
];

#[test]
fn only_who_has_the_password_and_knows_the_broker_is_let_in() -> Result<()> {
    let mut guarded = Guarded::start()?;
    for case in &CASES {
        guarded.tell_password(case.password);
        let (from, to) = (guarded.topic(case), guarded.place.tables());
        let is_to_be_let_in = case.refusal.is_empty();
        if is_to_be_let_in {
            let mut words = words("run", &from, &to);
            words.push("--create".to_owned());
            let running = guarded.place.start(&binary()?, &words)?;
            guarded.place.wait_for(&format!("SELECT count() FROM live.days_raw_e{}", case.epoch), 10)?;
            running.stop()?;
        }
        // Who is let in would run for ever.
        let verbs: &[&str] = if is_to_be_let_in { &["check"] } else { &["check", "run"] };
        for verb in verbs {
            let words = words(verb, &from, &to);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (code, out, said) = guarded.place.kappascope(&words)?;
            ensure!(
                (code == 0) == is_to_be_let_in && case.refusal.iter().all(|part| said.contains(part)),
                "{}, {verb}: {code}, {out}{said}",
                case.name
            );
            ensure!(code != -1, "{}: it was killed", case.name);
            ensure!(!(out + &said).contains("nobody prints"), "{}: it prints the password", case.name);
        }
    }
    ensure!(!guarded.place.said().contains("nobody prints"), "it logs the password");
    Ok(())
}
