//! The loads, and what each must show.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use crate::{
    client::Caller,
    measure::{Both, Server, Third, assert_flat, assert_given_back, assert_no_more_memory, assert_pool_bounded},
    number,
};

/// Samples of a run.
const SAMPLES: u32 = 30;

/// Rounds of a churn.
const ROUNDS: u32 = 6;

/// Uses each of the server's threads once, so that what they set up only once (a pool of
/// connections, the task that looks after it) counts as there before.
async fn warm(server: &mut Server) -> Both {
    let mut callers = Vec::new();
    for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
        // All of them are open: a new connection goes to the thread that has the fewest.
        let mut caller = Caller::connect(&server.address).await;
        assert_eq!(caller.ask().await, 200);
        assert!(caller.stream("tokens=2 pace=0", Duration::ZERO).await.0);
        callers.push(caller);
    }
    drop(callers);
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.usage().await
}

/// Waits until so many answers are done, so that all clients are at work.
async fn until(done: &AtomicU64, count: u64) {
    while done.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Samples what the server uses until the time is over.
async fn watch(server: &mut Server, time: Duration, count: u32, done: &AtomicU64) -> Vec<Both> {
    let pause = time / count;
    let mut samples = Vec::new();
    for at in 0..count {
        tokio::time::sleep(pause).await;
        let usage = server.usage().await;
        if at % 5 == 4 {
            println!("{usage}; {} answers so far", done.load(Ordering::Relaxed));
        }
        samples.push(usage);
    }
    samples
}

/// Many streams at once, each followed by another.
pub(crate) async fn streams() {
    let (seconds, clients) = (number("SOAK_SECONDS", 10), number("SOAK_CLIENTS", 1_000));
    let mut server = Server::start().await;
    let before = warm(&mut server).await;
    let done = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    let stop = Arc::new(AtomicBool::new(false));
    for number in 0..clients {
        let (address, done, stop) = (server.address.clone(), Arc::clone(&done), Arc::clone(&stop));
        callers.spawn(async move {
            // They begin spread over the time of one stream.
            tokio::time::sleep(Duration::from_millis(number * 2_000 / clients.max(1))).await;
            let mut caller = Caller::connect(&address).await;
            while !stop.load(Ordering::Relaxed) {
                let (whole, bytes) = caller.stream("tokens=20 pace=100", Duration::ZERO).await;
                assert!(whole && bytes > 1_000, "a stream was not whole: {bytes} bytes");
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    until(&done, 2 * clients).await;
    let samples = watch(&mut server, Duration::from_secs(seconds), SAMPLES, &done).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    println!("{clients} streams at a time for {seconds} s: {} whole, 0 not", done.load(Ordering::Relaxed));
    assert_flat(&samples, Third::Most);
    assert_given_back(before, server.settled(before).await);
}

/// Half of the requests that the machine can answer in a second: whole answers and streams in turn.
/// How many that is, is measured first.
pub(crate) async fn half() {
    const TRIED_FOR: Duration = Duration::from_secs(5);
    let (seconds, clients) = (number("SOAK_SECONDS", 10), number("SOAK_CLIENTS", 16));
    let mut server = Server::start().await;
    let before = warm(&mut server).await;
    let done = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let start = |pause: Duration| {
        let callers =
            (0..clients).map(|_| take_turns(server.address.clone(), pause, Arc::clone(&done), Arc::clone(&stop)));
        callers.collect::<JoinSet<()>>()
    };
    let mut callers = start(Duration::ZERO);
    tokio::time::sleep(TRIED_FOR).await;
    let answered = done.swap(0, Ordering::Relaxed).max(1);
    callers.shutdown().await;
    // Each client asks so often that all of them ask half as often as before.
    let pause = TRIED_FOR.mul_f64(2.0 * clients as f64 / answered as f64);
    let mut callers = start(pause);
    let samples = watch(&mut server, Duration::from_secs(seconds), SAMPLES, &done).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    let most = answered / TRIED_FOR.as_secs();
    println!(
        "{} answers in {seconds} s, half of them streams; the most was {most} each second",
        done.load(Ordering::Relaxed)
    );
    assert_flat(&samples, Third::Most);
    assert_given_back(before, server.settled(before).await);
}

/// A whole answer and a stream in turn, one after each pause; late ones follow at once.
async fn take_turns(address: String, pause: Duration, done: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let mut caller = Caller::connect(&address).await;
    let mut ticks = tokio::time::interval(pause.max(Duration::from_nanos(1)));
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        assert_eq!(caller.ask().await, 200);
        done.fetch_add(1, Ordering::Relaxed);
        ticks.tick().await;
        assert!(caller.stream("tokens=20 pace=0", Duration::ZERO).await.0, "a stream was not whole");
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// A connection for each request, half of them given up in the middle of a stream; in rounds, after
/// each of which all callers have gone.
///
/// How many connections are open at a moment is up to chance: those that wait to be noticed as
/// closed come on top. What would stay shows in the pauses, to the last file.
pub(crate) async fn churn() {
    let (seconds, clients) = (number("SOAK_SECONDS", 10), number("SOAK_CLIENTS", 64));
    let mut server = Server::start().await;
    let before = warm(&mut server).await;
    let done = Arc::new(AtomicU64::new(0));
    let (mut under_load, mut at_rest) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for number in 0..clients {
            callers.spawn(come_and_go(number, server.address.clone(), Arc::clone(&done), Arc::clone(&stop)));
        }
        until(&done, done.load(Ordering::Relaxed) + 10 * clients).await;
        let time = Duration::from_secs(seconds) / ROUNDS;
        under_load.extend(watch(&mut server, time, SAMPLES / ROUNDS, &done).await);
        stop.store(true, Ordering::Relaxed);
        while let Some(ended) = callers.join_next().await {
            ended.unwrap();
        }
        let rest = server.settled(before).await;
        println!("round {round}, all callers gone:");
        assert_given_back(before, rest);
        assert_pool_bounded(rest, clients);
        at_rest.push(rest);
    }
    println!("{} connections, half of the clients' dropped in a stream", done.load(Ordering::Relaxed));
    println!("under load:");
    assert_flat(&under_load, Third::Average);
    assert_no_more_memory(at_rest[0], at_rest[at_rest.len() - 1]);
}

async fn come_and_go(number: u64, address: String, done: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let mut caller = Caller::connect(&address).await;
        if number.is_multiple_of(2) {
            assert_eq!(caller.ask().await, 200);
        } else {
            let endless = caller.stream("tokens=100000 pace=20", Duration::ZERO);
            let given_up = tokio::time::timeout(Duration::from_millis(30), endless).await;
            assert!(given_up.is_err(), "an endless stream ended");
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Callers that keep their connection and say nothing; and twice more as many. An allocator keeps
/// what the first ones had, and some more for the second ones: it must do for the third.
pub(crate) async fn idle() {
    let clients = number("SOAK_CLIENTS", 10_000);
    let mut server = Server::start().await;
    let before = warm(&mut server).await;
    idle_round(&mut server, before, clients).await;
    println!("a second time:");
    let second = idle_round(&mut server, before, clients).await;
    println!("a third time:");
    let third = idle_round(&mut server, before, clients).await;
    assert_no_more_memory(second, third);
}

/// What is used when all callers have asked and are idle again.
async fn idle_round(server: &mut Server, before: Both, clients: u64) -> Both {
    let mut callers = Vec::new();
    for _ in 0..clients {
        let mut caller = Caller::connect(&server.address).await;
        if callers.len() % 100 == 0 {
            assert_eq!(caller.ask().await, 200);
        }
        callers.push(caller);
    }
    let with_all = server.usage().await;
    println!("with {clients} idle clients: {with_all}");
    println!("memory of the proxy for each: {:.1} KiB", kib_for_each(before, with_all, clients));
    let mut other = Caller::connect(&server.address).await;
    for _ in 0..100 {
        assert_eq!(other.ask().await, 200);
    }
    for caller in &mut callers {
        assert_eq!(caller.ask().await, 200, "an idle client was forgotten");
    }
    let used = server.usage().await;
    println!("all {clients} asked again, and were answered; idle once more: {used}");
    println!("memory of the proxy for each: {:.1} KiB", kib_for_each(before, used, clients));
    drop((callers, other));
    assert_given_back(before, server.settled(before).await);
    used
}

fn kib_for_each(before: Both, with_all: Both, clients: u64) -> f64 {
    let kib = with_all.proxy.rss_kib.saturating_sub(before.proxy.rss_kib);
    f64::from(u32::try_from(kib).unwrap()) / f64::from(u32::try_from(clients).unwrap())
}

/// One reader in a hundred takes its time: the others must not wait, and its tokens must wait at
/// their source.
pub(crate) async fn slow_readers() {
    // Some 200 MB: far more than all the sockets on the way hold.
    const TOKENS: u64 = 1_000_000;
    let clients = number("SOAK_CLIENTS", 100);
    let mut server = Server::start().await;
    warm(&mut server).await;
    let slow = clients.div_ceil(100);
    let mut slow_ones = JoinSet::new();
    for _ in 0..slow {
        let address = server.address.clone();
        slow_ones.spawn(async move {
            let prompt = format!("tokens={TOKENS} pace=0 slow=1");
            Caller::connect(&address).await.stream(&prompt, Duration::from_millis(200)).await
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let held = server.usage().await;
    let mut fast_ones = JoinSet::new();
    let done = Arc::new(AtomicU64::new(0));
    for _ in slow..clients {
        let (address, done) = (server.address.clone(), Arc::clone(&done));
        fast_ones.spawn(async move {
            let (whole, _) = Caller::connect(&address).await.stream("tokens=400 pace=0", Duration::ZERO).await;
            assert!(whole);
            done.fetch_add(1, Ordering::Relaxed);
        });
    }
    while let Some(ended) = fast_ones.join_next().await {
        ended.unwrap();
    }
    let after = server.usage().await;
    assert!(slow_ones.try_join_next().is_none(), "the slow one is as fast as the others");
    let (asked, given) = (slow * TOKENS, after.emulator.slow_tokens);
    println!("{} fast readers done while {slow} slow read on", done.load(Ordering::Relaxed));
    println!("tokens of the slow that their container has handed over: {given} of {asked}");
    println!("memory of the proxy: {} KiB before the fast ones, {} KiB after", held.proxy.rss_kib, after.proxy.rss_kib);
    assert!(given * 4 < asked, "nothing holds the endpoint back");
}
