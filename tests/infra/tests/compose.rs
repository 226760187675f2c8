//! `compose/` holds together, as far as that shows without containers.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use yaml_rust2::{Yaml, YamlLoader};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose")
}

fn read(file: &str) -> Result<Yaml> {
    let text = std::fs::read_to_string(folder().join(file)).with_context(|| file.to_owned())?;
    YamlLoader::load_from_str(&text)?.into_iter().next().with_context(|| format!("{file} is empty"))
}

fn texts(list: &Yaml) -> Vec<&str> {
    list.as_vec().map(|list| list.iter().filter_map(Yaml::as_str).collect()).unwrap_or_default()
}

/// The services by name.
fn services(compose: &Yaml) -> Result<Vec<(&str, &Yaml)>> {
    let all = compose["services"].as_hash().context("no services")?;
    Ok(all.iter().filter_map(|(name, service)| Some((name.as_str()?, service))).collect())
}

#[test]
fn ports_are_on_loopback_and_not_taken_twice() -> Result<()> {
    let compose = read("compose.yaml")?;
    let mut taken = Vec::new();
    for (name, service) in services(&compose)? {
        let ports = texts(&service["ports"]);
        ensure!(!ports.is_empty(), "{name} has no port");
        for port in ports {
            let parts: Vec<&str> = port.split(':').collect();
            let [host, outside, inside] = parts[..] else { anyhow::bail!("{name}: {port}") };
            ensure!(host == "127.0.0.1", "{name} is open to the network: {port}");
            ensure!(outside.parse::<u16>().is_ok() && inside.parse::<u16>().is_ok(), "{name}: {port}");
            ensure!(!taken.contains(&outside.to_owned()), "{port} is taken twice");
            taken.push(outside.to_owned());
        }
    }
    Ok(())
}

#[test]
fn images_have_versions() -> Result<()> {
    let compose = read("compose.yaml")?;
    let services = services(&compose)?;
    ensure!(services.iter().map(|(name, _)| *name).eq(["kafka", "clickhouse", "grafana"]));
    for (name, service) in services {
        let image = service["image"].as_str().context("no image")?;
        let version = image.split_once(':').context("an image without a version")?.1;
        ensure!(version.starts_with(|first: char| first.is_ascii_digit()), "{name}: {image}");
    }
    Ok(())
}

#[test]
fn what_is_mounted_exists() -> Result<()> {
    let compose = read("compose.yaml")?;
    for (name, service) in services(&compose)? {
        for mount in texts(&service["volumes"]) {
            let source = mount.split(':').next().unwrap_or_default();
            let exists = match source.strip_prefix("./") {
                Some(path) => folder().join(path).is_dir(),
                None => !compose["volumes"][source].is_badvalue(),
            };
            ensure!(exists, "{name} mounts {mount}");
        }
    }
    Ok(())
}

#[test]
fn kafka_tells_clients_the_port_that_is_open() -> Result<()> {
    let compose = read("compose.yaml")?;
    let kafka = &compose["services"]["kafka"];
    let advertised = kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].as_str().context("no address")?;
    let address = advertised.strip_prefix("PLAINTEXT://").context("not in the clear")?;
    ensure!(texts(&kafka["ports"]).iter().any(|port| port.starts_with(&format!("{address}:"))));
    Ok(())
}

#[test]
fn grafana_asks_the_clickhouse_that_is_there() -> Result<()> {
    let (compose, sources) = (read("compose.yaml")?, read("grafana/datasources/clickhouse.yaml")?);
    let clickhouse = &compose["services"]["clickhouse"];
    let grafana = &compose["services"]["grafana"]["environment"];
    let source = &sources["datasources"][0];
    let settings = &source["jsonData"];
    ensure!(settings["host"].as_str() == Some("clickhouse"));
    let port = settings["port"].as_i64().context("no port")?;
    ensure!(texts(&clickhouse["ports"]).iter().any(|open| open.ends_with(&format!(":{port}"))));
    for (ours, theirs) in [("username", "CLICKHOUSE_USER"), ("defaultDatabase", "CLICKHOUSE_DB")] {
        ensure!(settings[ours] == clickhouse["environment"][theirs], "{ours} is not {theirs}");
    }
    let plugin = grafana["GF_PLUGINS_PREINSTALL_SYNC"].as_str().context("no plugin")?;
    ensure!(plugin.split('@').next() == source["type"].as_str(), "{plugin}");
    let password = source["secureJsonData"]["password"].as_str().and_then(|name| name.strip_prefix('$'));
    ensure!(password.is_some_and(|name| !grafana[name].is_badvalue()), "Grafana does not know the password");
    Ok(())
}
