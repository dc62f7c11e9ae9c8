//! Runs a workload against a server, measures it, and checks that each message arrives once and in
//! order.

use std::error::Error;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::client::{self, ANSWER_TIMEOUT, PING, PONG, TEXT};
use crate::group::{Connection, Group};
use crate::metrics::{Measurement, Metric};
use crate::server::Server;
use crate::workload::{Traffic, Workload};

/// The wait before memory is measured, once all are connected.
const SETTLE_TIME: Duration = Duration::from_millis(500);

/// Measures `server` under `workload` for `time`, after a warm-up of a quarter of it.
pub fn measure(
    workload: &Workload,
    server: &Server,
    time: Duration,
) -> Result<Vec<Measurement>, Box<dyn Error>> {
    let empty = server.memory();
    let mut run = LoadRun::connect(workload, server)?;
    if workload.traffic == Traffic::Idle {
        std::thread::sleep(SETTLE_TIME);
        let connections = f64::from(u32::try_from(run.connections.len())?);
        let each = empty.zip(server.memory()).map(|(empty, full)| (full - empty) / connections);
        return Ok(known([(Metric::Memory, each)]));
    }
    run.start()?;
    run.run(time / 4)?;
    run.latencies.clear();
    let (since, cpu) = (Instant::now(), server.cpu_time());
    run.run(time)?;
    let elapsed = since.elapsed();
    let cpu = cpu.zip(server.cpu_time()).and_then(|(before, after)| after.checked_sub(before));
    let mut latencies = std::mem::take(&mut run.latencies);
    run.finish()?;

    latencies.sort_unstable();
    let received = f64::from(u32::try_from(latencies.len())?);
    let micros = |nanos: &u32| f64::from(*nanos) / 1e3;
    let of = |percent| latencies.get(latencies.len() * percent / 100).map(micros);
    Ok(known([
        (Metric::Cpu, cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / received)),
        (Metric::Rate, Some(received / elapsed.as_secs_f64())),
        (Metric::P50, of(50)),
        (Metric::P99, of(99)),
    ]))
}

/// Omits values that the system does not provide.
fn known(figures: impl IntoIterator<Item = (Metric, Option<f64>)>) -> Vec<Measurement> {
    let known = |(metric, value)| Some(Measurement { metric, value: value? });
    figures.into_iter().filter_map(known).collect()
}

struct LoadRun {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    groups: Vec<Group>,
    /// Members of each group.
    members: usize,
    /// The latency of each received message in nanoseconds.
    latencies: Vec<u32>,
    buffer: Vec<u8>,
    finishing: bool,
}

impl LoadRun {
    fn connect(workload: &Workload, server: &Server) -> Result<Self, Box<dyn Error>> {
        let poll = Poll::new()?;
        let mut connections = Vec::new();
        let mut groups = Vec::new();
        for index in 0..workload.groups {
            let room = format!("room-{index}");
            let first = connections.len();
            for _ in 0..workload.members {
                let number = connections.len();
                let stream = client::join(server.addr, &room).map_err(|error| {
                    format!(
                        "connection {number}: {error}\n\
                         (`ulimit -n` bounds a process's connections; --members asks for fewer)"
                    )
                })?;
                let mut stream = TcpStream::from_std(stream);
                poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
                connections.push(Connection { stream, unread: Vec::new(), next: 0 });
            }
            groups.push(Group::new(&room, first..connections.len(), workload));
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            connections,
            groups,
            members: workload.members,
            latencies: Vec::new(),
            buffer: vec![0; 64 << 10],
            finishing: false,
        })
    }

    /// Fills the window of each group.
    fn start(&mut self) -> io::Result<()> {
        for group in &mut self.groups {
            group.start(&mut self.connections)?;
        }
        Ok(())
    }

    /// Keeps the windows full for `time`, and until at least one message has arrived.
    fn run(&mut self, time: Duration) -> Result<(), Box<dyn Error>> {
        let end = Instant::now() + time;
        self.run_until(|run, now| now >= end && !run.latencies.is_empty())
    }

    /// Waits until no message is in flight.
    fn finish(&mut self) -> Result<(), Box<dyn Error>> {
        self.finishing = true;
        self.run_until(|run, _| run.groups.iter().all(Group::is_complete))
    }

    fn run_until(&mut self, done: impl Fn(&Self, Instant) -> bool) -> Result<(), Box<dyn Error>> {
        let mut last_received = Instant::now();
        loop {
            // Polls without sleeping. Otherwise the server would spend CPU on waking this thread,
            // which it does not over a network.
            self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
            let ready: Vec<usize> = self.events.iter().map(|event| event.token().0).collect();
            for &index in &ready {
                self.read(index)?;
            }
            let now = Instant::now();
            if done(self, now) {
                return Ok(());
            }
            if !ready.is_empty() {
                last_received = now;
            } else if now - last_received > ANSWER_TIMEOUT {
                return Err(self.missing_message().into());
            }
        }
    }

    /// Reads all that a connection has received.
    fn read(&mut self, index: usize) -> Result<(), Box<dyn Error>> {
        loop {
            let read = match self.connections[index].stream.read(&mut self.buffer) {
                Ok(0) => return Err(format!("the server closed connection {index}").into()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(format!("connection {index}: {error}").into()),
            };
            self.receive(index, read)?;
            // After a short read, epoll and kqueue report the next bytes.
            if cfg!(unix) && read < self.buffer.len() {
                return Ok(());
            }
        }
    }

    /// Parses what was read into the buffer, and sends the next messages.
    fn receive(&mut self, index: usize, read: usize) -> Result<(), Box<dyn Error>> {
        let now = Instant::now();
        let group = &mut self.groups[index / self.members];
        let connection = &mut self.connections[index];
        connection.unread.extend_from_slice(&self.buffer[..read]);
        let mut bytes = connection.unread.as_slice();
        let mut complete = 0;
        let mut pongs = Vec::new();
        while let Some((head, payload, rest)) = client::split_frame(bytes) {
            bytes = rest;
            match head {
                TEXT => {
                    let next = connection.next;
                    let flight = group.arrived(payload, next).ok_or_else(|| {
                        let payload = String::from_utf8_lossy(payload);
                        format!("connection {index} expected message {next} and received {payload}")
                    })?;
                    let nanos = now.saturating_duration_since(flight.since).as_nanos();
                    self.latencies.push(u32::try_from(nanos).unwrap_or(u32::MAX));
                    complete += usize::from(flight.missing == 0);
                    connection.next += 1;
                }
                PING => client::push_frame(&mut pongs, PONG, payload),
                _ => return Err(format!("connection {index} received a frame {head:#x}").into()),
            }
        }
        let parsed = connection.unread.len() - bytes.len();
        connection.unread.drain(..parsed);
        connection.send(&pongs)?;
        if !self.finishing {
            group.send(complete, &mut self.connections)?;
        }
        Ok(())
    }

    /// Returns which connection misses which message.
    fn missing_message(&self) -> String {
        let waiting = self.connections.iter().enumerate().find_map(|(index, connection)| {
            let sent = self.groups[index / self.members].sent;
            (connection.next < sent)
                .then(|| format!("connection {index} lacks message {}", connection.next))
        });
        waiting.unwrap_or_else(|| "the server is silent".to_owned())
    }
}
