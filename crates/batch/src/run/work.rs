//! Asking an engine for the lines of a batch, many at a time.
//!
//! Owns that results are written soon and as a whole, and that the lease is kept meanwhile. Lines,
//! results and everything else that waits for the store have their turns side by side, so that none
//! holds up the others.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use object_store::ObjectStoreExt as _;
use tokio::time::Instant;

use super::{Desk, Phase, RunOptions};
use crate::{
    BatchError, Engine, MOST_TRIES, Outcome,
    batches::Folder,
    input::Lines,
    line::Line,
    output,
    part::{self, Entry, Part},
    ranges::Ranges,
    store::Store,
};

/// The most results and bytes of a part.
const PART_LINES: usize = 10_000;
const PART_BYTES: usize = 4 * 1024 * 1024;

/// How many lines are read ahead, and how many bytes.
const AHEAD_LINES: usize = 256;
const AHEAD_BYTES: usize = 1024 * 1024;

/// How far a line may be ahead of the first one that has no result. It bounds what is remembered.
const WINDOW: u64 = 200_000;

/// How often a batch is looked at whether it was cancelled, and how long its lines in flight are
/// then waited for.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_secs(600);

/// The shortest and the longest pause after lines for which the engine was busy.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is done for the lines of a batch.
pub(super) struct Work<'a> {
    store: &'a Store,
    folder: &'a Folder,
    engine: &'a dyn Engine,
    options: &'a RunOptions,
    parts: Vec<Part>,
    done: Ranges,
    answered: u64,
    lines: Option<Lines>,
    /// Lines that were read, or must be asked again.
    ready: VecDeque<(u64, Bytes)>,
    entries: Vec<Entry>,
    bytes: usize,
    /// When the first of the entries came.
    since: Option<Instant>,
    sequence: u64,
    in_flight: BTreeSet<u64>,
    /// Before this time no line is asked, and how often it was put off in a row.
    not_before: Option<Instant>,
    put_off: u32,
    /// How often each line has failed that is asked again.
    tries: HashMap<u64, u32>,
    end: Option<WorkEnd>,
}

/// Why no more lines are asked.
#[derive(Debug)]
pub(super) enum WorkEnd {
    /// All have a result.
    Done,
    Stopped,
    Expired,
    Cancelled,
    Failed(sagewire_types::Error),
    /// The input cannot be read any further.
    Broken(BatchError),
}

/// What came of it.
pub(super) struct Worked {
    pub(super) parts: Vec<Part>,
    pub(super) end: WorkEnd,
}

/// What is to be done with the store.
#[derive(Default)]
struct Chore {
    part: Option<(Part, Bytes)>,
    writes_state: bool,
    looks: bool,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        store: &'a Store,
        folder: &'a Folder,
        engine: &'a dyn Engine,
        options: &'a RunOptions,
        parts: Vec<Part>,
        lines: Lines,
        end: Option<WorkEnd>,
    ) -> Self {
        let mut done = Ranges::default();
        for (first, last) in parts.iter().flat_map(|part| part.lines.iter()) {
            done.insert(first, last);
        }
        // Lines that were asked twice are counted once at the end.
        let answered = parts.iter().map(|part| part.answered).sum::<u64>().min(done.len());
        Self {
            store,
            folder,
            engine,
            options,
            parts,
            done,
            answered,
            lines: Some(lines),
            ready: VecDeque::new(),
            entries: Vec::new(),
            bytes: 0,
            since: None,
            sequence: 0,
            in_flight: BTreeSet::new(),
            not_before: None,
            put_off: 0,
            tries: HashMap::new(),
            end,
        }
    }

    /// Asks for every line without a result, until there is none or the run is to end. Then all
    /// results are in parts.
    pub(super) async fn run(mut self, at: &mut Desk) -> Result<Worked, BatchError> {
        let (store, folder, engine) = (self.store, self.folder, self.engine);
        let mut stop = self.options.stop.listen();
        let mut at_work = FuturesUnordered::new();
        let mut reading: Option<BoxFuture<'_, (Lines, Result<VecDeque<(u64, Bytes)>, BatchError>)>> = None;
        let mut has_read_all = false;
        let mut desk = Some(at);
        let mut doing: Option<BoxFuture<'_, (&mut Desk, Result<bool, BatchError>)>> = None;
        let mut written_state = Instant::now();
        let mut looked = Instant::now();
        let mut ended_at: Option<Instant> = None;
        self.report(desk.as_deref_mut());
        loop {
            let now = Instant::now();
            if let Some(desk) = &desk {
                self.look_at_the_clock(desk, now, &mut ended_at);
            }
            let drops = self.options.stop.phase() == Phase::Ending
                || matches!(self.end, Some(WorkEnd::Expired))
                || ended_at.is_some_and(|at| now >= at + GRACE);
            if drops {
                at_work = FuturesUnordered::new();
                self.in_flight.clear();
            }
            while let Some((number, text)) = self.next_line(at_work.len(), now) {
                self.in_flight.insert(number);
                at_work.push(async move {
                    let line = match Line::parse(&text, None) {
                        Ok(line) => line,
                        // It was right when it was checked.
                        Err(problem) => return (number, text, String::new(), failed(&problem.code, problem.message)),
                    };
                    let outcome = engine.answer(&line).await;
                    (number, text, line.custom_id, outcome)
                });
            }
            let is_over = self.end.is_some() || (has_read_all && self.ready.is_empty());
            if is_over && at_work.is_empty() && self.entries.is_empty() && desk.is_some() {
                break;
            }
            if reading.is_none() && !is_over && !has_read_all && self.ready.len() < AHEAD_LINES / 2 {
                reading = self.lines.take().map(|lines| read_ahead(lines).boxed());
            }
            let last = is_over && at_work.is_empty();
            let chore = self.chore(last, now, &mut written_state, &mut looked);
            let renews = desk.as_ref().is_some_and(|desk| desk.lease.due() <= now);
            if let Some(mut chore) = chore.filter(|_| desk.is_some()).or_else(|| renews.then(Chore::default))
                && let Some(desk) = desk.take()
            {
                if let Some(entries) = self.take_entries(last, now) {
                    let generation = desk.lease.generation();
                    chore.part = part::write(&folder.parts(), generation, self.sequence, entries);
                    self.sequence += 1;
                }
                if let Some((part, _)) = &chore.part {
                    self.parts.push(part.clone());
                }
                doing = Some(do_chore(desk, store, folder, chore).boxed());
            }
            let wake = self.wake(now, desk.as_deref(), ended_at);
            tokio::select! {
                Some((number, text, custom_id, outcome)) = at_work.next(), if !at_work.is_empty() => {
                    self.in_flight.remove(&number);
                    self.take(number, text, &custom_id, outcome);
                    if let Some(desk) = desk.as_deref_mut() {
                        self.report(Some(desk));
                    }
                }
                (lines, read) = async { match &mut reading { Some(reading) => reading.await, None => std::future::pending().await } } => {
                    reading = None;
                    match read {
                        Ok(read) => {
                            has_read_all = read.is_empty();
                            self.lines = Some(lines);
                            let done = &self.done;
                            self.ready.extend(read.into_iter().filter(|(number, _)| !done.contains(*number)));
                        }
                        // What was answered is written first.
                        Err(error) => drop(self.end.get_or_insert(WorkEnd::Broken(error))),
                    }
                }
                (back, result) = async { match &mut doing { Some(doing) => doing.await, None => std::future::pending().await } } => {
                    doing = None;
                    if result? && self.end.is_none() {
                        self.end = Some(WorkEnd::Cancelled);
                    }
                    desk = Some(back);
                    self.report(desk.as_deref_mut());
                }
                _ = stop.changed() => {
                    if self.end.is_none() {
                        self.end = Some(WorkEnd::Stopped);
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        Ok(Worked { parts: self.parts, end: self.end.unwrap_or(WorkEnd::Done) })
    }

    /// Ends the work where its time is over or the lease is.
    fn look_at_the_clock(&mut self, desk: &Desk, now: Instant, ended_at: &mut Option<Instant>) {
        if self.end.is_none() && desk.state.batch.expires_at.is_some_and(|end| end <= self.store.now()) {
            self.end = Some(WorkEnd::Expired);
        }
        if self.end.is_none() && self.options.stop.phase() != Phase::Running {
            self.end = Some(WorkEnd::Stopped);
        }
        if self.end.is_some() && ended_at.is_none() {
            *ended_at = Some(now);
        }
    }

    /// The next line to be asked, if one may be.
    fn next_line(&mut self, at_work: usize, now: Instant) -> Option<(u64, Bytes)> {
        let has_room = at_work < self.options.concurrency.max(1) && self.bytes < 2 * PART_BYTES;
        if self.end.is_some() || !has_room || self.not_before.is_some_and(|time| now < time) {
            return None;
        }
        let (number, _) = self.ready.front()?;
        let lowest = self.in_flight.first().copied().unwrap_or(*number);
        if *number > lowest.saturating_add(WINDOW) {
            return None;
        }
        self.ready.pop_front()
    }

    fn take(&mut self, number: u64, text: Bytes, custom_id: &str, outcome: Outcome) {
        let (is_answered, json) = match outcome {
            Outcome::Answered(response) => {
                ((200..300).contains(&response.status), output::answered(custom_id, &response))
            }
            Outcome::Failed { code, message } => (false, output::failed(custom_id, &code, &message)),
            Outcome::Retry { otherwise, .. }
                if self.tries.get(&number).is_some_and(|tries| *tries + 1 >= MOST_TRIES) =>
            {
                self.tries.remove(&number);
                ((200..300).contains(&otherwise.status), output::answered(custom_id, &otherwise))
            }
            Outcome::Retry { after, .. } => {
                *self.tries.entry(number).or_default() += 1;
                return self.put_off(number, text, after);
            }
            Outcome::Later(pause) => return self.put_off(number, text, pause),
            Outcome::Stop(error) => {
                self.end.get_or_insert(WorkEnd::Failed(error));
                return;
            }
        };
        self.put_off = 0;
        self.done.insert(number, number);
        self.answered += u64::from(is_answered);
        self.bytes += json.len();
        self.since.get_or_insert_with(Instant::now);
        self.entries.push(Entry { number, is_answered, json: json.into() });
    }

    /// Has a line asked again, and all of them wait.
    fn put_off(&mut self, number: u64, text: Bytes, pause: Duration) {
        self.ready.push_front((number, text));
        // Lines that were in flight together count once.
        if self.not_before.is_none_or(|before| before <= Instant::now()) {
            let longer = pause.max(SHORTEST_PAUSE).saturating_mul(1 << self.put_off.min(6));
            let pause = longer.min(LONGEST_PAUSE).max(pause).mul_f64(1.0 + fastrand::f64() / 2.0);
            self.not_before = Some(Instant::now() + pause);
            self.put_off += 1;
        }
    }

    /// The entries, if they are to be written.
    fn take_entries(&mut self, last: bool, now: Instant) -> Option<Vec<Entry>> {
        if !self.is_due(last, now) {
            return None;
        }
        (self.bytes, self.since) = (0, None);
        Some(std::mem::take(&mut self.entries))
    }

    fn is_due(&self, last: bool, now: Instant) -> bool {
        let is_late = self.since.is_some_and(|since| now >= since + self.options.flush_every);
        let is_full = self.entries.len() >= PART_LINES || self.bytes >= PART_BYTES;
        !self.entries.is_empty() && (last || is_late || is_full)
    }

    fn chore(&self, last: bool, now: Instant, written: &mut Instant, looked: &mut Instant) -> Option<Chore> {
        let writes_state = now >= *written + self.options.flush_every.max(LOOK_EVERY);
        let looks = now >= *looked + LOOK_EVERY;
        if !writes_state && !looks && !self.is_due(last, now) {
            return None;
        }
        if writes_state {
            *written = now;
        }
        if looks {
            *looked = now;
        }
        Some(Chore { part: None, writes_state, looks })
    }

    /// When something is to be done although nothing happens.
    fn wake(&self, now: Instant, desk: Option<&Desk>, ended_at: Option<Instant>) -> Instant {
        let times = [
            Some(now + LOOK_EVERY),
            self.since.filter(|_| desk.is_some()).map(|since| since + self.options.flush_every),
            self.not_before.filter(|time| *time > now),
            desk.map(|desk| desk.lease.due()),
            ended_at.map(|at| at + GRACE).filter(|time| *time > now),
        ];
        // Never at once again: what is due and cannot be done yet is waited for.
        times.into_iter().flatten().min().unwrap_or(now).max(now + Duration::from_millis(1))
    }

    fn report(&self, desk: Option<&mut Desk>) {
        let Some(desk) = desk else { return };
        let counts = &mut desk.state.batch.request_counts;
        counts.completed = self.answered;
        counts.failed = self.done.len() - self.answered;
        if let Some(progress) = &self.options.progress {
            progress(*counts);
        }
    }
}

fn failed(code: &str, message: String) -> Outcome {
    Outcome::Failed { code: code.to_owned(), message }
}

/// Some lines; none at the end.
async fn read_ahead(mut lines: Lines) -> (Lines, Result<VecDeque<(u64, Bytes)>, BatchError>) {
    let (mut read, mut bytes) = (VecDeque::new(), 0);
    while read.len() < AHEAD_LINES && bytes < AHEAD_BYTES {
        match lines.next().await {
            Ok(Some((number, text))) => {
                bytes += text.len();
                read.push_back((number, text));
            }
            Ok(None) => break,
            Err(error) => return (lines, Err(error)),
        }
    }
    (lines, Ok(read))
}

/// Does what is due at the store, and says whether the batch was cancelled. What fails is tried
/// again as long as the lease lasts.
async fn do_chore<'d>(
    desk: &'d mut Desk,
    store: &Store,
    folder: &Folder,
    chore: Chore,
) -> (&'d mut Desk, Result<bool, BatchError>) {
    let mut pause = Duration::from_millis(500);
    loop {
        let error = match once(desk, store, folder, &chore).await {
            Ok(is_cancelled) => return (desk, Ok(is_cancelled)),
            Err(error) => error,
        };
        let is_final = !store.is_shared() || !matches!(error, BatchError::Store { .. });
        if is_final || Instant::now() + pause >= desk.lease.end() {
            return (desk, Err(error));
        }
        tracing::warn!(target: "sagewire::batch", %error, batch = folder.id, "the store failed; it is tried again");
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

async fn once(desk: &mut Desk, store: &Store, folder: &Folder, chore: &Chore) -> Result<bool, BatchError> {
    if desk.lease.due() <= Instant::now() {
        desk.lease.renew(store).await?;
    }
    if let Some((part, bytes)) = &chore.part {
        store.objects.put(&part.path, bytes.clone().into()).await.map_err(BatchError::store("writes results"))?;
    }
    if chore.writes_state {
        desk.write_state(store, folder).await?;
    }
    if chore.looks {
        return Ok(store.read::<u64>(&folder.cancelled()).await?.is_some());
    }
    Ok(false)
}
