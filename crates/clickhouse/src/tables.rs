//! The tables of a pipeline on a server.

use crate::address::Address;
use crate::error::Error;
use crate::layout::{
    Column, Layout, Origin, quoted, write_alert, write_late, write_raw, write_rejected, write_window,
};
use crate::row_binary::RowBinary;
use crate::settings::{ALWAYS, IF_KNOWN};
use crate::shape::{Found, REMEMBERED};
use bytes::Bytes;
use clickhouse::{Client, Compression};
use kappascope_core::Spec;
use kappascope_delivery::{Effects, Table};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Bytes of rows that are packed and sent at a time.
const SENT_BYTES: usize = 1 << 18;
/// A first guess of what a row takes.
const ROW_BYTES: usize = 128;

/// The tables of a pipeline on a server. Cheap to clone.
#[derive(Clone)]
pub struct Tables {
    at: Arc<At>,
    client: Client,
}

struct At {
    place: String,
    database: String,
    spec: Spec,
    topic: String,
    epoch: u32,
    layouts: BTreeMap<Table, Layout>,
    /// Which settings of [`IF_KNOWN`] the server has, once it was asked.
    known: OnceLock<Vec<(&'static str, &'static str)>>,
}

impl Tables {
    /// The tables that a pipeline writes of a topic, or those that were chosen.
    ///
    /// # Errors
    /// When names of the pipeline cannot be those of tables, or the password cannot be read.
    pub fn new(address: &Address, spec: &Spec, topic: &str, epoch: u32) -> Result<Self, Error> {
        let layouts = address.chosen(spec).into_iter().map(|table| Ok((table, Layout::of(spec, table)?)));
        let layouts: BTreeMap<Table, Layout> = layouts.collect::<Result<_, Error>>()?;
        check_names(spec)?;
        let mut client = Client::default()
            .with_url(address.url())
            .with_user(&address.user)
            .with_database(&address.database)
            .with_compression(Compression::Lz4);
        if let Some(password) = Address::password()? {
            client = client.with_password(password);
        }
        let at = At {
            place: address.to_string(),
            database: address.database.clone(),
            spec: spec.clone(),
            topic: topic.to_owned(),
            epoch,
            layouts,
            known: OnceLock::new(),
        };
        Ok(Self { at: Arc::new(at), client })
    }

    /// Those that are written.
    #[must_use]
    pub fn chosen(&self) -> Vec<Table> {
        self.at.layouts.keys().copied().collect()
    }

    /// What makes the tables, and the views by which they are read.
    #[must_use]
    pub fn ddl(&self) -> Vec<String> {
        let make = |(table, layout): (&Table, &Layout)| {
            let columns =
                layout.columns.iter().map(|Column { name, kind }| format!("{} {kind}", quoted(name)));
            let lines: Vec<String> = columns.chain(layout.index.clone()).collect();
            format!(
                "CREATE TABLE IF NOT EXISTS {} (\n    {}\n)\n{}\nSETTINGS non_replicated_deduplication_window = {REMEMBERED}",
                self.table(*table),
                lines.join(",\n    "),
                layout.rest
            )
        };
        let tables = self.at.layouts.iter().map(make);
        tables.chain(self.views("CREATE VIEW IF NOT EXISTS")).collect()
    }

    /// Makes what is missing.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub async fn create(&self) -> Result<(), Error> {
        let database = format!("CREATE DATABASE IF NOT EXISTS {}", quoted(&self.at.database));
        // It cannot be worked in before it is there.
        let anywhere = self.client.clone().with_database("default");
        anywhere.query_raw(&database).execute().await.map_err(|error| self.failed(&error))?;
        self.execute(self.ddl()).await
    }

    /// Lets the views show this epoch, unless they show a later one.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub async fn switch(&self) -> Result<(), Error> {
        let shown = "SELECT max(toUInt32OrZero(comment)) FROM system.tables WHERE database = ? AND name IN ?";
        let names: Vec<String> = self.at.layouts.keys().map(|table| self.name(*table)).collect();
        let shown = self.client.query(shown).bind(&self.at.database).bind(&names);
        let shown: u32 = shown.fetch_one().await.map_err(|error| self.failed(&error))?;
        if shown > self.at.epoch {
            return Ok(());
        }
        self.execute(self.views("CREATE OR REPLACE VIEW").collect()).await
    }

    async fn execute(&self, statements: Vec<String>) -> Result<(), Error> {
        for statement in statements {
            self.client.query_raw(&statement).execute().await.map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    /// What shows the newest rows, under a name without the epoch.
    fn views<'a>(&'a self, how: &'a str) -> impl Iterator<Item = String> + 'a {
        self.at.layouts.keys().map(move |table| {
            let name = quoted(&self.name(*table));
            // Results that were replaced or taken back are left out.
            let newest = if table.has_offsets() { "" } else { " FINAL" };
            let epoch = self.at.epoch;
            format!("{how} {name} AS SELECT * FROM {}{newest} COMMENT '{epoch}'", self.table(*table))
        })
    }

    /// Whether the server can be reached, lets rows in and counts them, and the tables are as they have to be.
    ///
    /// # Errors
    /// When not.
    pub async fn check(&self) -> Result<(), Error> {
        for table in self.at.layouts.keys() {
            self.check_table(*table).await?;
            // No row, but the server looks at rights, columns and types before it looks for one.
            let nothing = self.header(*table).into_bytes();
            self.send(*table, nothing, None).await?;
            if table.has_offsets() {
                self.count(*table, 0, 0, Some(0)).await?;
            }
        }
        Ok(())
    }

    async fn check_table(&self, table: Table) -> Result<(), Error> {
        let sql =
            "SELECT engine, engine_full, partition_key FROM system.tables WHERE database = ? AND name = ?";
        let name = self.name_of_epoch(table);
        let found = self.client.query(sql).bind(&self.at.database).bind(&name);
        let found: Option<Found> = found.fetch_optional().await.map_err(|error| self.failed(&error))?;
        let what = match found {
            Some(found) => found.wrong(&self.table(table)),
            None => Some("there is no such table; `--create` makes it".to_owned()),
        };
        let place = || format!("{}, table `{name}`", self.at.place);
        what.map_or(Ok(()), |what| Err(Error::Shape { place: place(), what }))
    }

    /// Inserts rows of a batch under a token, as one block.
    ///
    /// # Errors
    /// When they are not known to be stored.
    pub async fn insert(
        &self,
        table: Table,
        token: &str,
        partition: u32,
        effects: &Effects,
        rows: Range<usize>,
    ) -> Result<(), Error> {
        let block = self.encode(table, partition, effects, rows);
        self.send(table, block, Some(token)).await
    }

    /// Counts the rows of a partition from an offset on, and below another.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn count(
        &self,
        table: Table,
        partition: u32,
        from: u64,
        to: Option<u64>,
    ) -> Result<u64, Error> {
        let below = to.map_or(String::new(), |to| format!(" AND _offset < {to}"));
        let sql = format!(
            "SELECT count() FROM {} WHERE _topic = ? AND _partition = {partition} AND _offset >= {from}{below}",
            self.table(table)
        );
        // Of a replicated table only a replica that has all may say.
        let count =
            self.client.query(&sql).bind(&self.at.topic).with_setting("select_sequential_consistency", "1");
        count.fetch_one().await.map_err(|error| self.failed_at(table, &error))
    }

    async fn send(&self, table: Table, block: Vec<u8>, token: Option<&str>) -> Result<(), Error> {
        let columns: Vec<String> =
            self.layout(table).columns.iter().map(|column| quoted(&column.name)).collect();
        let sql = format!(
            "INSERT INTO {} ({}) FORMAT RowBinaryWithNamesAndTypes",
            self.table(table),
            columns.join(", ")
        );
        let mut insert = self.client.insert_formatted_with(sql);
        for (name, value) in ALWAYS.iter().chain(self.known().await?) {
            insert = insert.with_setting(*name, *value);
        }
        if let Some(token) = token {
            insert = insert.with_setting("insert_deduplication_token", token);
        }
        let failed = |error| self.failed_at(table, &error);
        let mut rest = Bytes::from(block);
        while !rest.is_empty() {
            let part = rest.split_to(rest.len().min(SENT_BYTES));
            insert.send(part).await.map_err(failed)?;
        }
        insert.end().await.map_err(failed)
    }

    /// Which settings of [`IF_KNOWN`] the server has: one that it has not is an error.
    async fn known(&self) -> Result<&[(&'static str, &'static str)], Error> {
        if let Some(known) = self.at.known.get() {
            return Ok(known);
        }
        let names: Vec<&str> = IF_KNOWN.iter().map(|(name, _)| *name).collect();
        let found = self.client.query("SELECT name FROM system.settings WHERE name IN ?").bind(&names);
        let found: Vec<String> = found.fetch_all().await.map_err(|error| self.failed(&error))?;
        let is_known = |(name, _): &&(&str, &str)| found.iter().any(|found| found == name);
        let known = IF_KNOWN.iter().filter(is_known).copied().collect();
        Ok(self.at.known.get_or_init(|| known))
    }

    /// The names and types of a table's columns.
    fn header(&self, table: Table) -> RowBinary {
        let columns = &self.layout(table).columns;
        let mut out = RowBinary::with_capacity(SENT_BYTES);
        out.length(columns.len());
        columns.iter().for_each(|column| out.text(&column.name));
        columns.iter().for_each(|column| out.text(column.kind));
        out
    }

    fn encode(&self, table: Table, partition: u32, effects: &Effects, rows: Range<usize>) -> Vec<u8> {
        let mut out = self.header(table);
        out.reserve(rows.len() * ROW_BYTES);
        let of = Origin { spec: &self.at.spec, topic: &self.at.topic, partition };
        match table {
            Table::Raw => rows.for_each(|row| write_raw(&mut out, of, effects, row)),
            Table::Windows(query) => {
                effects.windows[query as usize][rows].iter().for_each(|row| write_window(&mut out, of, row));
            }
            Table::Late => effects.late[rows].iter().for_each(|row| write_late(&mut out, of, row)),
            Table::Alerts => effects.alerts[rows].iter().for_each(|row| write_alert(&mut out, of, row)),
            Table::Rejected => {
                effects.rejected[rows].iter().for_each(|row| write_rejected(&mut out, of, row));
            }
        }
        out.into_bytes()
    }

    #[expect(clippy::expect_used, reason = "the same tables are asked of the cycle")]
    fn layout(&self, table: Table) -> &Layout {
        self.at.layouts.get(&table).expect("a table that was chosen")
    }

    /// The name under which a table is read.
    fn name(&self, table: Table) -> String {
        name(&self.at.spec, table)
    }

    fn name_of_epoch(&self, table: Table) -> String {
        format!("{}_e{}", self.name(table), self.at.epoch)
    }

    /// The table in statements.
    fn table(&self, table: Table) -> String {
        format!("{}.{}", quoted(&self.at.database), quoted(&self.name_of_epoch(table)))
    }

    fn failed(&self, error: &clickhouse::error::Error) -> Error {
        Error::of(&self.at.place, error)
    }

    fn failed_at(&self, table: Table, error: &clickhouse::error::Error) -> Error {
        Error::of(&format!("{}, table `{}`", self.at.place, self.name_of_epoch(table)), error)
    }
}

fn name(spec: &Spec, table: Table) -> String {
    match table {
        Table::Windows(query) => format!("{}_{}", spec.name, spec.query[query as usize].name),
        table => format!("{}_{}", spec.name, table.name(spec)),
    }
}

/// Two tables, or a table and the view of another, must not have one name.
fn check_names(spec: &Spec) -> Result<(), Error> {
    let names: Vec<String> = Table::of(spec).into_iter().map(|table| name(spec, table)).collect();
    let is_epoch =
        |rest: &str| rest.strip_prefix("_e").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    for (at, one) in names.iter().enumerate() {
        let others = names.iter().enumerate().filter(|(other, _)| *other != at);
        for (_, other) in others {
            if other.strip_prefix(one.as_str()).is_some_and(|rest| rest.is_empty() || is_epoch(rest)) {
                return Err(Error::Name(format!(
                    "two tables would be called `{one}`, or `{one}` of some epoch; another name of a query would fit"
                )));
            }
        }
    }
    Ok(())
}
