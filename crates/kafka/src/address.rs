//! `kafka://host:port,host:port/topic?option=value&…`: where records are, and how to read or write them.
//!
//! | option | says | default |
//! |---|---|---|
//! | `group` | the consumer group, to which an epoch above 1 adds `-e2` and so on | the pipeline's name |
//! | `offset` | where to begin when nothing is known: `earliest`, `latest` or a number | `earliest` |
//! | `epoch` | which computation of the same log it is | 1 |
//! | `format` | `json`, or `csv` with `columns` | `json` |
//! | `columns` | the columns of a CSV record, in order | |
//! | `key` | of what is written: the column that becomes the record's key | none |
//! | `partitions` | of a topic that is made: how many it gets | 1 |
//!
//! Some settings of librdkafka may follow by their own names, such as `security.protocol=sasl_ssl`.

use crate::options::{ALLOWED, PASSWORD, secret};
use kappascope_address::{AddressError, no_option, server};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::str::FromStr;

/// Kafka's own default port.
const PORT: u16 = 9092;
/// Kafka's own bound for the name of a topic.
const TOPIC_BYTES: usize = 249;
const OWN: [&str; 7] = ["group", "offset", "epoch", "format", "columns", "key", "partitions"];

/// Where records are, and how to read or write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `host:port,host:port`.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// The consumer group, if it is named.
    pub group: Option<String>,
    /// Where to begin when nothing is known of a partition.
    pub start: Start,
    /// Which computation of the same log it is, from 1 on.
    pub epoch: u32,
    /// How records are written down.
    pub form: Form,
    /// The column that becomes the key of what is written.
    pub key: Option<String>,
    /// How many partitions the topic gets if it is made.
    pub partitions: u32,
    /// Settings of librdkafka.
    pub(crate) options: Vec<(String, String)>,
}

/// Where to begin when nothing is known of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the first record that there is.
    #[default]
    Earliest,
    /// With the next one that comes.
    Latest,
    /// With the record of this offset, in each partition.
    Offset(u64),
}

/// How a record is written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A JSON object.
    #[default]
    Json,
    /// A line of CSV with these columns.
    Csv(Vec<String>),
}

impl Address {
    /// What an address begins with.
    pub const SCHEME: &str = "kafka://";

    /// The same brokers and settings for another topic.
    #[must_use]
    pub fn with_topic(&self, topic: &str) -> Self {
        Self { topic: topic.to_owned(), ..self.clone() }
    }

    /// The topic of a later epoch, which has one of its own.
    #[must_use]
    pub fn of_epoch(&self, epoch: u32) -> Self {
        self.with_topic(&of_epoch(&self.topic, epoch))
    }

    /// The consumer group of a pipeline. Two epochs run side by side, so each has all partitions to itself.
    #[must_use]
    pub fn group_of(&self, pipeline: &str) -> String {
        let group = self.group.as_deref().unwrap_or(pipeline);
        of_epoch(group, self.epoch)
    }
}

/// A name of the first epoch, or of a later one.
fn of_epoch(name: &str, epoch: u32) -> String {
    if epoch == 1 { name.to_owned() } else { format!("{name}-e{epoch}") }
}

/// Without options, some of which say who reads.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", Self::SCHEME, self.brokers, self.topic)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).map_err(|what| AddressError::new(text, what))
    }
}

fn parse(text: &str) -> Result<Address, String> {
    let rest =
        text.strip_prefix(Address::SCHEME).ok_or("no Kafka address; kafka://host:port/topic would fit")?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if place.contains('@') {
        return Err(format!(
            "it names a user; `?sasl.username=…` would fit, and for the password {}",
            PASSWORD.how()
        ));
    }
    let (brokers, topic) = place.split_once('/').unwrap_or((place, ""));
    let mut address = Address {
        brokers: brokers.split(',').map(broker).collect::<Result<Vec<_>, _>>()?.join(","),
        topic: check_topic(&percent_decode_str(topic).decode_utf8_lossy())?,
        group: None,
        start: Start::default(),
        epoch: 1,
        form: Form::default(),
        key: None,
        partitions: 1,
        options: Vec::new(),
    };
    let (mut format, mut columns) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match name.as_ref() {
            "group" => address.group = Some(filled(&name, value)?),
            "offset" => address.start = start(&value)?,
            "epoch" => address.epoch = from_one("epoch", &value)?,
            "partitions" => address.partitions = from_one("partitions", &value)?,
            "key" => address.key = Some(filled(&name, value)?),
            "format" => format = Some(value),
            "columns" => columns = Some(value),
            _ => address.options.push((option(&name)?, value)),
        }
    }
    address.form = form(format.as_deref(), columns.as_deref())?;
    Ok(address)
}

/// A broker with its port.
fn broker(text: &str) -> Result<String, String> {
    server(text, PORT).ok_or_else(|| {
        format!("`{text}` is no broker; host:port would fit, several of them with commas between")
    })
}

/// Kafka's own rules for the name of a topic.
pub(crate) fn check_topic(name: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match name {
        "" => Err("it names no topic; kafka://host:port/topic would fit".to_owned()),
        _ if name.len() > TOPIC_BYTES || matches!(name, "." | "..") || !name.chars().all(is_plain) => {
            Err(format!("`{name}` is no topic; up to {TOPIC_BYTES} letters, digits and ._- would fit"))
        }
        _ => Ok(name.to_owned()),
    }
}

fn filled(name: &str, value: String) -> Result<String, String> {
    if value.is_empty() { Err(format!("`{name}` is empty; a name would fit")) } else { Ok(value) }
}

fn start(value: &str) -> Result<Start, String> {
    match value {
        "earliest" => Ok(Start::Earliest),
        "latest" => Ok(Start::Latest),
        number => number
            .parse()
            .map(Start::Offset)
            .map_err(|_| format!("`offset={value}`; earliest, latest or a number would fit")),
    }
}

fn from_one(name: &str, value: &str) -> Result<u32, String> {
    let number = value.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("`{name}={value}`; a number from 1 on would fit"))
}

fn form(format: Option<&str>, columns: Option<&str>) -> Result<Form, String> {
    match (format.unwrap_or("json"), columns) {
        ("json", None) => Ok(Form::Json),
        ("json", Some(_)) => Err("`columns` are of `format=csv`; a JSON record names its own".to_owned()),
        ("csv", Some(columns)) if !columns.is_empty() => {
            Ok(Form::Csv(columns.split(',').map(str::to_owned).collect()))
        }
        ("csv", _) => Err("`format=csv` needs `columns=a,b,c`: a record has no header".to_owned()),
        (other, _) => Err(format!("`format={other}`; json or csv would fit")),
    }
}

/// A setting of librdkafka that may be set.
fn option(name: &str) -> Result<String, String> {
    if let Some(secret) = secret(name) {
        return Err(format!("`{name}` does not belong into an address, which others see; {}", secret.how()));
    }
    // librdkafka has both; one is enough here.
    let name = if name == "sasl.mechanisms" { "sasl.mechanism" } else { name };
    if ALLOWED.iter().any(|(allowed, _)| *allowed == name) {
        return Ok(name.to_owned());
    }
    let names = OWN.into_iter().chain(ALLOWED.iter().map(|(name, _)| *name));
    Err(no_option(name, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_address_is_read() {
        let text = "kafka://a:1,[::1]:2,b/my.topic?group=g%20h&offset=17&epoch=3&format=csv&columns=t,u&key=u&partitions=8\
                    &security.protocol=sasl_ssl&sasl.mechanisms=SCRAM-SHA-256&sasl.username=me";
        let address: Address = text.parse().unwrap();
        let option = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = Address {
            brokers: "a:1,[::1]:2,b:9092".to_owned(),
            topic: "my.topic".to_owned(),
            group: Some("g h".to_owned()),
            start: Start::Offset(17),
            epoch: 3,
            form: Form::Csv(vec!["t".to_owned(), "u".to_owned()]),
            key: Some("u".to_owned()),
            partitions: 8,
            options: vec![
                option("security.protocol", "sasl_ssl"),
                option("sasl.mechanism", "SCRAM-SHA-256"),
                option("sasl.username", "me"),
            ],
        };
        assert_eq!(address, expected);
        assert_eq!(address.to_string(), "kafka://a:1,[::1]:2,b:9092/my.topic");
        assert_eq!((address.group_of("shop"), expected.with_topic("x").topic), ("g h-e3".into(), "x".into()));
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let address: Address = "kafka://localhost/visits".parse().unwrap();
        assert_eq!((address.start, address.epoch, &address.form), (Start::Earliest, 1, &Form::Json));
        assert_eq!((address.brokers.as_str(), address.group_of("shop").as_str()), ("localhost:9092", "shop"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("file.csv", "no Kafka address"),
            ("kafka://", "`` is no broker"),
            ("kafka://a:b/t", "`a:b` is no broker"),
            ("kafka://a:0/t", "`a:0` is no broker"),
            ("kafka://a:70000/t", "`a:70000` is no broker"),
            ("kafka://a,,b/t", "`` is no broker"),
            ("kafka://a b/t", "`a b` is no broker"),
            ("kafka://::1/t", "is no broker"),
            ("kafka://a", "names no topic"),
            ("kafka://a/b/c", "`b/c` is no topic"),
            ("kafka://a/..", "`..` is no topic"),
            ("kafka://a/t?offset=soon", "earliest, latest or a number"),
            ("kafka://a/t?offset=-1", "earliest, latest or a number"),
            ("kafka://a/t?epoch=0", "a number from 1 on"),
            ("kafka://a/t?group=", "`group` is empty"),
            ("kafka://a/t?format=xml", "json or csv"),
            ("kafka://a/t?format=csv", "needs `columns=a,b,c`"),
            ("kafka://a/t?columns=a", "`columns` are of `format=csv`"),
            ("kafka://a/t?fromat=json", "`format` would fit best"),
            ("kafka://a/t?security.protokol=ssl", "`security.protocol` would fit best"),
            ("kafka://a/t?acks=0", "no option `acks`"),
            ("kafka://a/t?enable.idempotence=false", "no option `enable.idempotence`"),
        ];
        for (text, expected) in cases {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_in_an_address_is_refused_and_not_repeated() {
        for text in [
            "kafka://me:hunter2@a/t",
            "kafka://a/t?sasl.password=hunter2",
            "kafka://a/t?ssl.key.password=hunter2",
            "kafka://a/t?password=hunter2",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
            assert!(text.contains("?password") || error.contains("KAPPASCOPE_KAFKA_"), "{error}");
        }
    }
}
