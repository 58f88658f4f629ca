//! What is remembered of runners: their lives and their lines, live to whoever listens and written behind.

use std::{collections::HashMap, sync::Arc};

use tintype_domain::RunnerId;
use tintype_store::{RunnerLog, RunnerRecord, StoreError};
use tokio::sync::broadcast;
use tracing::{info, warn};

use crate::{batch::Batch, house::House};

/// Lines that a listener may be behind before it misses some.
const TAIL: usize = 4096;

pub(crate) struct Chronicle {
    lines: Batch<RunnerLog>,
    records: Batch<RunnerRecord>,
    tail: broadcast::Sender<Arc<RunnerLog>>,
}

impl Chronicle {
    pub fn new() -> Self {
        let (lines, records) = (Batch::new("lines of runners"), Batch::new("records of runners"));
        Self { lines, records, tail: broadcast::Sender::new(TAIL) }
    }

    pub fn line(&self, line: RunnerLog) {
        if self.tail.receiver_count() > 0 {
            // Whoever listened may have left in this moment.
            let _ = self.tail.send(Arc::new(line.clone()));
        }
        self.lines.push(line);
    }

    pub fn record(&self, record: RunnerRecord) {
        self.records.push(record);
    }

    pub fn tail(&self) -> broadcast::Receiver<Arc<RunnerLog>> {
        self.tail.subscribe()
    }

    /// Writes until the end.
    pub async fn run(&self, house: &House) {
        let store = &house.parts.store;
        let lines = self.lines.run(|lines| store.append_runner_logs(lines), house.end.clone());
        let records = self.records.run(|records| write_records(house, records), house.end.clone());
        tokio::join!(lines, records);
    }

    /// Writes what has come so far.
    pub async fn flush(&self, house: &House) -> Result<(), StoreError> {
        self.records.flush(|records| write_records(house, records)).await?;
        self.lines.flush(|lines| house.parts.store.append_runner_logs(lines)).await
    }

    /// Ends the records of runners that the last server left open and that died with it, or since.
    pub async fn close_the_last(&self, house: &House, living: &[RunnerId]) {
        let reason = "the server ended while the runner was up";
        match house.parts.store.close_runners(house.day(), reason, living).await {
            Ok(0) => {}
            Ok(closed) => info!("the last server ended under {closed} runners"),
            Err(error) => warn!("could not end the records of the last server's runners: {error}"),
        }
    }
}

/// The last record of each runner, in order.
async fn write_records(house: &House, records: Vec<RunnerRecord>) -> Result<(), StoreError> {
    let last: HashMap<_, _> = records.iter().enumerate().map(|(n, record)| (record.runner.clone(), n)).collect();
    let told = records.into_iter().enumerate().filter(|(n, record)| last.get(&record.runner) == Some(n));
    for (_, record) in told {
        house.parts.store.put_runner(record).await?;
    }
    Ok(())
}
