use super::*;
use crate::syslog::{BindError, SyslogTcpConfig};
use crate::{IntakeError, Receipt};
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

/// Keeps what it is given; answers as it is told.
struct Fake {
    /// One permit lets one submit through.
    gate: Semaphore,
    refusals: Mutex<VecDeque<IntakeErrorKind>>,
    taken: mpsc::UnboundedSender<Vec<String>>,
    dead: mpsc::UnboundedSender<(&'static str, Vec<u8>)>,
    dropped: Mutex<Vec<(&'static str, u64)>>,
}

#[derive(Clone, Copy)]
enum IntakeErrorKind {
    Overloaded,
    Unavailable,
}

impl Intake for Fake {
    async fn submit(&self, batch: Batch) -> Result<Receipt, IntakeError> {
        self.gate.acquire().await.unwrap().forget();
        match self.refusals.lock().unwrap().pop_front() {
            Some(IntakeErrorKind::Overloaded) => Err(IntakeError::Overloaded { retry_after_secs: 0, batch: Box::new(batch) }),
            Some(IntakeErrorKind::Unavailable) => Err(IntakeError::Unavailable("closing".into())),
            None => {
                assert_eq!((batch.source.as_str(), batch.peer.as_str(), batch.format), (SYSLOG_TCP, "127.0.0.1", Format::Syslog));
                let messages = (0..batch.len()).map(|at| String::from_utf8_lossy(batch.record(at)).into_owned()).collect();
                self.taken.send(messages).unwrap();
                Ok(Receipt { accepted: batch.len() as u64, duplicates: 0 })
            }
        }
    }

    fn count_dropped(&self, source: &'static str, code: &'static str, n: u64) {
        assert_eq!(source, SYSLOG_TCP);
        self.dropped.lock().unwrap().push((code, n));
    }

    fn dead_letter(&self, _: &'static str, _: &str, code: &'static str, _: String, raw: &[u8]) {
        self.dead.send((code, raw.to_vec())).unwrap();
    }
}

struct Rig {
    intake: Arc<Fake>,
    taken: Taken,
    dead: Dead,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

const OPEN: usize = Semaphore::MAX_PERMITS;

type Taken = mpsc::UnboundedReceiver<Vec<String>>;
type Dead = mpsc::UnboundedReceiver<(&'static str, Vec<u8>)>;

fn fake(permits: usize) -> (Arc<Fake>, Taken, Dead) {
    let ((taken, taken_out), (dead, dead_out)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let intake = Fake { gate: Semaphore::new(permits), refusals: Mutex::default(), taken, dead, dropped: Mutex::default() };
    (Arc::new(intake), taken_out, dead_out)
}

fn any_port() -> SyslogTcpConfig {
    SyslogTcpConfig { listen: "127.0.0.1:0".parse().unwrap(), ..SyslogTcpConfig::default() }
}

async fn rig(config: SyslogTcpConfig, permits: usize) -> Rig {
    let (intake, taken, dead) = fake(permits);
    let listener = config.check().unwrap().bind().await.unwrap();
    let address = listener.local_addr();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(listener.run(Arc::clone(&intake), stopped));
    Rig { intake, taken, dead, address, stop, running }
}

impl Rig {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The next `n` messages, however they were batched.
    async fn messages(&mut self, n: usize) -> Vec<String> {
        let mut all = Vec::new();
        while all.len() < n {
            // The limit only turns a loss into a failure instead of a hang.
            all.extend(timeout(Duration::from_secs(60), self.taken.recv()).await.unwrap().unwrap());
        }
        all
    }
}

#[tokio::test]
async fn messages_arrive_in_order_in_both_framings_and_the_rest_at_the_end() {
    let mut rig = rig(any_port(), OPEN).await;
    let mut sender = rig.connect().await;
    sender.write_all(b"<13>one\n8 <13>tw\no<13>three\n<13>four").await.unwrap();
    assert_eq!(rig.messages(3).await, ["<13>one", "<13>tw\no", "<13>three"]);
    drop(sender);
    assert_eq!(rig.messages(1).await, ["<13>four"]);
}

#[tokio::test]
async fn refused_bytes_become_dead_letters() {
    let mut rig = rig(SyslogTcpConfig { message_bytes_max: 480, ..any_port() }, OPEN).await;
    let mut sender = rig.connect().await;
    sender.write_all(&[b"x".repeat(1000), b"\n<13>ok\n50 <13>cut".to_vec()].concat()).await.unwrap();
    assert_eq!(rig.messages(1).await, ["<13>ok"]);
    drop(sender);
    assert_eq!(rig.dead.recv().await.unwrap(), ("message_too_long", b"x".repeat(256)));
    assert_eq!(rig.dead.recv().await.unwrap(), ("message_cut_short", b"<13>cut".to_vec()));
}

#[tokio::test]
async fn without_a_receipt_the_sender_is_held_up_and_nothing_is_lost() {
    const LINES: usize = 400_000;
    let mut rig = rig(SyslogTcpConfig { batch_records_max: 1000, ..any_port() }, 0).await;
    let sender = rig.connect().await;
    let stream: Vec<u8> =
        (0..LINES).flat_map(|n| format!("<13>a message to fill the socket's buffers {n:08}\n").into_bytes()).collect();
    // No receipt is given: the write stops where the buffers are full.
    let mut sent = 0;
    while let Ok(Ok(())) = timeout(Duration::from_secs(1), sender.writable()).await {
        match sender.try_write(&stream[sent..]) {
            Ok(n) => sent += n,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
    assert!(sent < stream.len(), "{sent} bytes went without a receipt");
    rig.intake.gate.add_permits(OPEN);
    let writer = tokio::spawn(async move {
        let mut sender = sender;
        sender.write_all(&stream[sent..]).await.unwrap();
    });
    let all = rig.messages(LINES).await;
    writer.await.unwrap();
    assert_eq!(all.len(), LINES);
    assert!(all.iter().enumerate().all(|(n, line)| line.ends_with(&format!("{n:08}"))));
}

#[tokio::test]
async fn a_batch_keeps_to_its_limit() {
    let mut rig = rig(SyslogTcpConfig { batch_records_max: 3, ..any_port() }, OPEN).await;
    let mut sender = rig.connect().await;
    sender.write_all(b"a\nb\nc\nd\ne\nf\ng\nh").await.unwrap();
    drop(sender);
    let mut all = Vec::new();
    while all.len() < 8 {
        let batch = rig.taken.recv().await.unwrap();
        assert!(batch.len() <= 3, "{batch:?}");
        all.extend(batch);
    }
    assert_eq!(all.concat(), "abcdefgh");
}

#[tokio::test]
async fn an_overloaded_pipeline_gets_the_same_batch_again() {
    let mut rig = rig(any_port(), OPEN).await;
    rig.intake.refusals.lock().unwrap().extend([IntakeErrorKind::Overloaded; 3]);
    rig.connect().await.write_all(b"<13>a\n<13>b\n").await.unwrap();
    assert_eq!(rig.messages(2).await, ["<13>a", "<13>b"]);
    assert!(rig.intake.dropped.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_unavailable_pipeline_closes_the_connection_and_the_loss_is_counted() {
    let rig = rig(any_port(), OPEN).await;
    rig.intake.refusals.lock().unwrap().push_back(IntakeErrorKind::Unavailable);
    let mut sender = rig.connect().await;
    sender.write_all(b"<13>a\n<13>b\n").await.unwrap();
    assert_eq!(sender.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(*rig.intake.dropped.lock().unwrap(), [("intake_unavailable", 2)]);
}

#[tokio::test]
async fn connections_above_the_maximum_are_closed_and_a_closed_one_makes_room() {
    let mut rig = rig(SyslogTcpConfig { connections_max: 1, ..any_port() }, OPEN).await;
    let mut first = rig.connect().await;
    first.write_all(b"<13>first\n").await.unwrap();
    assert_eq!(rig.messages(1).await, ["<13>first"]);
    assert_eq!(rig.connect().await.read(&mut [0; 8]).await.unwrap(), 0);
    first.shutdown().await.unwrap();
    assert_eq!(first.read(&mut [0; 8]).await.unwrap(), 0);
    // The listener notices the end some time after the socket closed: until then it refuses.
    let mut third = loop {
        let mut stream = rig.connect().await;
        let _ = stream.write_all(b"<13>third\n").await;
        tokio::select! {
            taken = rig.taken.recv() => { assert_eq!(taken.unwrap(), ["<13>third"]); break stream; }
            _ = stream.read_u8() => {}
        }
    };
    third.write_all(b"<13>more\n").await.unwrap();
    assert_eq!(rig.messages(1).await, ["<13>more"]);
}

#[tokio::test]
async fn a_shutdown_submits_what_has_arrived_and_frees_the_port() {
    let mut rig = rig(any_port(), 0).await;
    let mut sender = rig.connect().await;
    sender.write_all(b"<13>a\n").await.unwrap();
    rig.intake.gate.add_permits(1);
    assert_eq!(rig.messages(1).await, ["<13>a"]);
    sender.write_all(b"<13>b\n<13>unfinished").await.unwrap();
    rig.intake.gate.add_permits(OPEN - 1);
    rig.stop.send(true).unwrap();
    rig.running.await.unwrap();
    let mut rest = Vec::new();
    while let Ok(batch) = rig.taken.try_recv() {
        rest.extend(batch);
    }
    assert_eq!(rest, ["<13>b", "<13>unfinished"]);
    assert_eq!(sender.read(&mut [0; 8]).await.unwrap(), 0);
    assert!(TcpStream::connect(rig.address).await.is_err());
}

#[tokio::test]
async fn the_listener_ends_when_nobody_is_left_to_stop_it() {
    let rig = rig(any_port(), OPEN).await;
    drop(rig.stop);
    rig.running.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_its_rest_kept() {
    let mut rig = rig(SyslogTcpConfig { idle_timeout_secs: 1, ..any_port() }, OPEN).await;
    let mut sender = rig.connect().await;
    sender.write_all(b"<13>unfinished").await.unwrap();
    assert_eq!(sender.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(rig.messages(1).await, ["<13>unfinished"]);
}

/// Fails as a process without file descriptors does, then works.
struct Failing(VecDeque<io::Error>, TcpListener);

impl Accept for Failing {
    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        match self.0.pop_front() {
            Some(error) => Err(error),
            None => Accept::accept(&mut self.1).await,
        }
    }
}

#[tokio::test]
async fn failing_accepts_do_not_end_the_listener() {
    const EMFILE: i32 = 24;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (intake, mut taken, _dead) = fake(OPEN);
    let errors =
        [io::Error::from_raw_os_error(EMFILE), io::ErrorKind::ConnectionAborted.into(), io::Error::from_raw_os_error(EMFILE)];
    let (stop, stopped) = watch::channel(false);
    let limits = any_port().check().unwrap().limits;
    let running = tokio::spawn(serve(Failing(errors.into(), listener), limits, intake, stopped));
    TcpStream::connect(address).await.unwrap().write_all(b"<13>a\n").await.unwrap();
    assert_eq!(taken.recv().await.unwrap(), ["<13>a"]);
    stop.send(true).unwrap();
    running.await.unwrap();
}

#[tokio::test]
async fn a_taken_port_is_reported_with_its_address() {
    let first = any_port().check().unwrap().bind().await.unwrap();
    let again = SyslogTcpConfig { listen: first.local_addr(), ..any_port() };
    let error = again.check().unwrap().bind().await.unwrap_err();
    assert!(matches!(error, BindError::Taken { .. }));
    assert!(error.to_string().contains(&first.local_addr().to_string()), "{error}");
}

#[test]
fn options_are_checked_and_unknown_ones_refused() {
    assert!(SyslogTcpConfig::default().check().is_ok());
    assert!(SyslogTcpConfig::default().listen.ip().is_loopback());
    let small = SyslogTcpConfig { message_bytes_max: 479, ..SyslogTcpConfig::default() };
    assert_eq!(small.check().unwrap_err().to_string(), "`message_bytes_max` is 479; it must be 480 to 1048576");
    assert!(SyslogTcpConfig { connections_max: 0, ..SyslogTcpConfig::default() }.check().is_err());
    assert!(SyslogTcpConfig { batch_records_max: 0, ..SyslogTcpConfig::default() }.check().is_err());
    assert!(serde_json::from_str::<SyslogTcpConfig>(r#"{"listen":"127.0.0.1:5515"}"#).is_ok());
    assert!(serde_json::from_str::<SyslogTcpConfig>(r#"{"lisen":"127.0.0.1:5515"}"#).is_err());
}
