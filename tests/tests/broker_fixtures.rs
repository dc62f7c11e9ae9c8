//! The brokers and the proxy that tests of the backplane use: a fault that does nothing would let them pass.

use std::time::Duration;

use parlor_tests::{Broker, BrokerProxy, Direction, within_timeout};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

/// How long a test waits to see that nothing is passed.
const NOTHING: Duration = Duration::from_millis(200);

/// A server that sends back all that it receives, behind a proxy.
async fn echo() -> BrokerProxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    BrokerProxy::start(addr).await
}

async fn dial(proxy: &BrokerProxy) -> TcpStream {
    TcpStream::connect(proxy.addr).await.expect("accepted")
}

/// Sends bytes and waits for them.
async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("sent");
    receive(stream, bytes).await;
}

async fn receive(stream: &mut TcpStream, bytes: &[u8]) {
    let mut received = vec![0; bytes.len()];
    within_timeout("bytes", stream.read_exact(&mut received)).await.expect("received");
    assert!(received == bytes, "other bytes");
}

async fn assert_silent(stream: &mut TcpStream) {
    let read = timeout(NOTHING, stream.read(&mut [0])).await;
    assert!(read.is_err(), "not silent: {read:?}");
}

async fn assert_reset(stream: &mut TcpStream) -> usize {
    let mut received = 0;
    let mut bytes = vec![0; 64 << 10];
    loop {
        match within_timeout("the reset", stream.read(&mut bytes)).await {
            Ok(0) => panic!("closed, not reset"),
            Ok(count) => received += count,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                return received;
            }
        }
    }
}

#[tokio::test]
async fn blackhole_passes_nothing_on_old_connections_and_everything_on_new_ones() {
    let proxy = echo().await;
    let mut old = dial(&proxy).await;
    round_trip(&mut old, b"before").await;
    proxy.blackhole();
    old.write_all(b"during").await.expect("not closed");
    let mut new = dial(&proxy).await;
    round_trip(&mut new, b"new").await;
    assert_silent(&mut old).await;
    assert_eq!((proxy.connections(), proxy.open_connections()), (2, 2));
    proxy.heal().await;
    receive(&mut old, b"during").await;
}

#[tokio::test]
async fn blackhole_for_all_accepts_new_connections_and_passes_nothing() {
    let proxy = echo().await;
    let mut old = dial(&proxy).await;
    round_trip(&mut old, b"before").await;
    proxy.blackhole_all();
    let mut new = dial(&proxy).await;
    for stream in [&mut old, &mut new] {
        stream.write_all(b"during").await.expect("not closed");
        assert_silent(stream).await;
    }
    proxy.heal().await;
    receive(&mut old, b"during").await;
    receive(&mut new, b"during").await;
}

#[tokio::test]
async fn blackhole_passes_no_end_of_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let proxy = BrokerProxy::start(listener.local_addr().expect("an address")).await;
    for is_reset in [false, true] {
        let near = dial(&proxy).await;
        let (mut far, _) = listener.accept().await.expect("accepted");
        proxy.blackhole();
        if is_reset {
            near.set_zero_linger().expect("set");
        }
        drop(near);
        assert_silent(&mut far).await;
        proxy.heal().await;
        if is_reset {
            assert_reset(&mut far).await;
        } else {
            let read = within_timeout("the end", far.read(&mut [0])).await;
            assert_eq!(read.expect("closed"), 0);
        }
        drop(far);
        proxy.wait_for_open_connections(0).await;
    }
}

#[tokio::test]
async fn proxy_that_refuses_keeps_old_connections() {
    let proxy = echo().await;
    let mut old = dial(&proxy).await;
    round_trip(&mut old, b"before").await;
    for _ in 0..3 {
        proxy.refuse().await;
        let error = TcpStream::connect(proxy.addr).await.expect_err("nothing listens");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        round_trip(&mut old, b"during").await;
        proxy.heal().await;
        round_trip(&mut dial(&proxy).await, b"after").await;
    }
}

#[tokio::test]
async fn reset_for_all_ends_old_connections_and_no_new_ones() {
    let proxy = echo().await;
    let mut old = [dial(&proxy).await, dial(&proxy).await];
    for stream in &mut old {
        round_trip(stream, b"before").await;
    }
    proxy.reset_all().await;
    for stream in &mut old {
        assert_eq!(assert_reset(stream).await, 0);
    }
    round_trip(&mut dial(&proxy).await, b"after").await;
}

#[tokio::test]
async fn reset_in_the_middle_of_a_frame_is_after_as_many_bytes_of_its_direction() {
    let proxy = echo().await;
    let mut stream = dial(&proxy).await;
    round_trip(&mut stream, b"before").await;
    proxy.reset_mid_frame(Direction::FromBroker, 15_000);
    round_trip(&mut stream, &[1; 10_000]).await;
    stream.write_all(&[2; 10_000]).await.expect("sent");
    assert_eq!(assert_reset(&mut stream).await, 5_000);
    // Once.
    let mut stream = dial(&proxy).await;
    round_trip(&mut stream, &vec![3; 200_000]).await;

    proxy.reset_mid_frame(Direction::ToBroker, 5);
    stream.write_all(b"0123456789").await.expect("sent");
    assert!(assert_reset(&mut stream).await <= 5);
}

#[tokio::test]
async fn bytes_are_not_passed_before_the_end_of_their_delay() {
    let proxy = echo().await;
    let mut stream = dial(&proxy).await;
    proxy.delay(Duration::from_millis(100));
    let start = Instant::now();
    round_trip(&mut stream, b"late").await;
    // There and back. Timers may be 1 ms early.
    assert!(start.elapsed() >= Duration::from_millis(198));
    // The end of the faults ends a delay.
    proxy.delay(Duration::from_secs(3600));
    stream.write_all(b"early").await.expect("sent");
    assert_silent(&mut stream).await;
    proxy.heal().await;
    receive(&mut stream, b"early").await;
}

#[tokio::test]
async fn delayed_proxy_does_not_read_more_than_it_may_keep() {
    let proxy = echo().await;
    let mut stream = dial(&proxy).await;
    round_trip(&mut stream, b"before").await;
    proxy.delay(Duration::from_secs(3600));
    // More than the proxy and the buffers of both systems take.
    let bytes = vec![7; 64 << 20];
    let sent = timeout(Duration::from_secs(1), stream.write_all(&bytes)).await;
    assert!(sent.is_err(), "all was read");
}

#[tokio::test]
async fn throttled_proxy_does_not_pass_more_than_its_rate() {
    let proxy = echo().await;
    let mut stream = dial(&proxy).await;
    proxy.throttle(10_000);
    let start = Instant::now();
    round_trip(&mut stream, &[1; 4_000]).await;
    assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
    proxy.throttle(1);
    stream.write_all(&[2; 4_000]).await.expect("sent");
    let read = within_timeout("a byte", stream.read(&mut [0; 4_000])).await;
    assert!(read.expect("not closed") < 100);
    proxy.heal().await;
}

#[tokio::test]
async fn dropped_proxy_closes_its_connections() {
    let proxy = echo().await;
    let mut stream = dial(&proxy).await;
    round_trip(&mut stream, b"before").await;
    drop(proxy);
    let read = within_timeout("the end", stream.read(&mut [0])).await;
    assert!(matches!(read, Ok(0) | Err(_)));
}

/// Sends a line that a broker answers, and returns the answer.
async fn ask(stream: &mut TcpStream, line: &str) -> std::io::Result<String> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).await?;
    if count == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer[..count]).into_owned())
}

/// Runs a test with each broker that is installed.
async fn with_each_broker(test: impl AsyncFn(Broker)) {
    for broker in [Broker::redis(&[]).await, Broker::nats(&[]).await].into_iter().flatten() {
        Box::pin(test(broker)).await;
    }
}

/// Connects to a broker, which answers `PING`.
async fn connect(broker: &Broker) -> TcpStream {
    let mut stream = TcpStream::connect(broker.addr()).await.expect("it listens");
    if broker.url().starts_with("nats:") {
        let info = ask(&mut stream, "CONNECT {\"verbose\":false}").await.expect("its greeting");
        assert!(info.starts_with("INFO "), "{info}");
    }
    stream
}

async fn assert_answers(stream: &mut TcpStream) {
    let answer = within_timeout("an answer", ask(stream, "PING")).await.expect("an answer");
    assert!(answer.contains("PONG"), "{answer}");
}

#[tokio::test]
async fn killed_broker_closes_connections_and_restarts_on_its_port() {
    with_each_broker(async |mut broker| {
        for _ in 0..3 {
            let mut stream = connect(&broker).await;
            assert_answers(&mut stream).await;
            broker.kill();
            assert!(within_timeout("the end", ask(&mut stream, "PING")).await.is_err());
            let error = TcpStream::connect(broker.addr()).await.expect_err("nothing listens");
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
            broker.restart().await;
        }
        assert_answers(&mut connect(&broker).await).await;
        // Without a kill before.
        broker.restart().await;
        assert_answers(&mut connect(&broker).await).await;
    })
    .await;
}

#[tokio::test]
async fn stopped_broker_answers_nothing_and_keeps_its_connections() {
    with_each_broker(async |broker| {
        let mut stream = connect(&broker).await;
        assert_answers(&mut stream).await;
        broker.stop();
        stream.write_all(b"PING\r\n").await.expect("not closed");
        assert_silent(&mut stream).await;
        TcpStream::connect(broker.addr()).await.expect("the system accepts it");
        broker.cont();
        receive(&mut stream, if broker.url().starts_with("nats:") { b"PONG" } else { b"+PONG" })
            .await;
    })
    .await;
}

#[tokio::test]
async fn options_of_brokers_apply() {
    if let Some(broker) = Broker::redis(&["requirepass secret", "maxmemory 10mb"]).await {
        let mut stream = connect(&broker).await;
        let refused = ask(&mut stream, "PING").await.expect("an answer");
        assert!(refused.starts_with("-NOAUTH"), "{refused}");
        assert_eq!(ask(&mut stream, "AUTH secret").await.expect("an answer"), "+OK\r\n");
        let memory = ask(&mut stream, "CONFIG GET maxmemory").await.expect("an answer");
        assert!(memory.contains("10485760"), "{memory}");
        assert_eq!(broker.url_with(":secret"), format!("redis://:secret@{}", broker.addr()));
    }
    if let Some(broker) =
        Broker::nats(&["max_payload: 1KB", "authorization { user: ann, password: secret }"]).await
    {
        let mut stream = TcpStream::connect(broker.addr()).await.expect("it listens");
        let mut info = vec![0; 4096];
        let count = stream.read(&mut info).await.expect("its greeting");
        let info = String::from_utf8_lossy(&info[..count]).into_owned();
        assert!(info.contains("\"auth_required\":true"), "{info}");
        assert!(info.contains("\"max_payload\":1024"), "{info}");
    }
}

#[tokio::test]
async fn dropped_broker_is_killed() {
    with_each_broker(async |broker| {
        let mut stream = connect(&broker).await;
        assert_answers(&mut stream).await;
        drop(broker);
        assert!(within_timeout("the end", ask(&mut stream, "PING")).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn brokers_that_start_at_once_have_ports_of_their_own() {
    let brokers = futures::future::join_all((0..8).map(|_| Broker::redis(&[]))).await;
    let mut addrs: Vec<_> = brokers.iter().flatten().map(Broker::addr).collect();
    let count = addrs.len();
    addrs.sort();
    addrs.dedup();
    assert_eq!(addrs.len(), count);
    for broker in brokers.iter().flatten() {
        assert_answers(&mut connect(broker).await).await;
    }
}
