//! Prometheus' own test of rules, and how it is asked.
//!
//! Each case becomes a rule file and a test file that claims a state for every key and evaluation:
//!
//! ```text
//!   - expr: ALERTS
//!     eval_time: 45000ms
//!     exp_samples:
//!     - { labels: 'ALERTS{alertname="a",alertstate="firing",k="k1",severity="critical",team="security"}', value: 1 }
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Case, State};

/// What is claimed of a case: the states of each key, by evaluation.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The case.
    pub case: &'a Case,
    /// By key and step.
    pub states: Vec<Vec<State>>,
}

/// Claims by their names, which become names of files.
pub type Claims<'a> = BTreeMap<String, Claim<'a>>;

/// What promtool says of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every claim is true.
    Agrees,
    /// What is not.
    Differs(String),
}

/// The program, with a folder for its files.
pub struct Promtool {
    /// What to start.
    pub program: PathBuf,
    /// Where the rules and tests are written.
    pub folder: PathBuf,
}

impl Promtool {
    /// Its version, as it says it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn version(&self) -> Result<String> {
        let said = Command::new(&self.program).arg("--version").output().context("cannot start promtool")?;
        let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        let line = out.lines().chain(err.lines()).next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["promtool,", "version", version, ..] => Ok(version.to_owned()),
            _ => bail!("promtool does not say its version, but `{line}`"),
        }
    }

    /// A verdict on each claim about a case, by its name, in one run.
    ///
    /// # Errors
    /// When it does not start, or says nothing of a claim.
    pub fn judge(&self, claims: &Claims<'_>) -> Result<BTreeMap<String, Verdict>> {
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make {}", self.folder.display()))?;
        for (name, Claim { case, states }) in claims {
            write(&self.folder.join(format!("{name}.rules.yml")), &rules(case))?;
            write(&self.folder.join(format!("{name}.yml")), &test(name, case, states))?;
        }
        let said = self.test(claims.keys())?;
        claims.keys().map(|name| Ok((name.clone(), verdict(name, &said)?))).collect()
    }

    /// What it has to complain of in what Prometheus would read; nothing is what it says of good metrics.
    ///
    /// # Errors
    /// When it does not start.
    pub fn complaints(&self, metrics: &str) -> Result<String> {
        let path = self.folder.join("metrics.txt");
        write(&path, metrics)?;
        let metrics = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let said = Command::new(&self.program).args(["check", "metrics"]).stdin(metrics).output();
        let said = said.context("cannot start promtool")?;
        Ok([said.stdout, said.stderr].concat().into_iter().map(char::from).collect())
    }

    /// What it says of these tests. The names are printed to one stream and the failures to the other; in a file
    /// they stand in order.
    fn test<'a>(&self, names: impl Iterator<Item = &'a String>) -> Result<String> {
        let path = self.folder.join(SAID);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut promtool = Command::new(&self.program);
        promtool
            .current_dir(&self.folder)
            .args(["test", "rules"])
            .args(names.map(|name| format!("{name}.yml")));
        promtool.stdout(file.try_clone()?).stderr(file);
        // It fails where a test fails, which is no error here: a verdict is looked for by name.
        promtool.status().context("cannot start promtool")?;
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}

/// Where the folder keeps what promtool says.
const SAID: &str = "said.txt";

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The case's rule, for Prometheus.
fn rules(case: &Case) -> String {
    let Case { step, hold, keep, condition, .. } = case;
    format!(
        "groups:\n- name: g\n  interval: {step}ms\n  rules:\n  - alert: a\n    expr: '{}'\n    for: {hold}ms\n    \
         keep_firing_for: {keep}ms\n    labels: {{ severity: critical, team: security }}\n",
        condition.1
    )
}

/// The case's series, and what is claimed of the rule.
fn test(name: &str, case: &Case, states: &[Vec<State>]) -> String {
    let step = case.step;
    let mut text = format!(
        "rule_files: [{name}.rules.yml]\nevaluation_interval: {step}ms\ntests:\n- interval: {step}ms\n  input_series:\n"
    );
    for key in 0..case.keys.len() {
        for (series, of) in [("value", 0), ("count", 1)] {
            let sample = |step| match case.result(key, step) {
                None => "stale".to_owned(),
                Some(sample) => [sample.value, sample.count as f64][of].to_string(),
            };
            let values: Vec<String> = (0..case.steps()).map(sample).collect();
            let name = Case::name(key);
            writeln!(text, "  - {{ series: '{series}{{k=\"{name}\"}}', values: '{}' }}", values.join(" "))
                .expect("a String takes all");
        }
    }
    text += "  promql_expr_test:\n";
    for at in 0..case.steps() {
        let eval_time = step * at as i64;
        let alerts = states.iter().enumerate().filter_map(|(key, states)| alert(key, states[at]));
        let alerts: Vec<String> = alerts.collect();
        writeln!(
            text,
            "  - {{ expr: ALERTS, eval_time: {eval_time}ms, exp_samples: [{}] }}",
            alerts.join(", ")
        )
        .expect("a String takes all");
    }
    text
}

/// The sample of `ALERTS` that an alert of a key makes.
fn alert(key: usize, state: State) -> Option<String> {
    let state = match state {
        State::Inactive => return None,
        State::Pending => "pending",
        State::Firing => "firing",
    };
    let labels = format!(
        "alertname=\"a\",alertstate=\"{state}\",k=\"{}\",severity=\"critical\",team=\"security\"",
        Case::name(key)
    );
    Some(format!("{{ labels: 'ALERTS{{{labels}}}', value: 1 }}"))
}

/// What it says of one file: after its name, `SUCCESS`, or `FAILED:` and the differences.
fn verdict(name: &str, said: &str) -> Result<Verdict> {
    let start = format!("Unit Testing:  {name}.yml\n");
    let (_, rest) =
        said.split_once(&start).with_context(|| format!("promtool says nothing of {name}: {said}"))?;
    let own = rest.split("Unit Testing:").next().unwrap_or_default().trim();
    match own.strip_prefix("FAILED:") {
        Some(differences) => Ok(Verdict::Differs(differences.trim().to_owned())),
        None if own == "SUCCESS" => Ok(Verdict::Agrees),
        None => bail!("promtool says of {name}: {own}"),
    }
}
