use futures::FutureExt;
use parlor::backplane::{JoinConfirmation, Nats};
use parlor::prelude::*;
use parlor_tests::{Broker, TestServer, within_timeout};
use tokio::task::yield_now;

#[procedure]
trait Chat {
    #[incoming]
    async fn say(&mut self, text: String);

    #[outgoing]
    fn said(text: String);
}

struct Guest {
    socket: ChatSocket,
}

impl Chat for Guest {
    async fn say(&mut self, text: String) {
        self.socket.io().to("all").said(&text);
    }
}

/// A server with a node of its own.
async fn node(nats: &Broker) -> TestServer {
    let nats = Nats::connect(&nats.url()).await.expect("a server");
    let chat = ChatServer::new(|socket: ChatSocket| async move {
        // On a busy machine it may take longer than 500 ms.
        while socket.join_confirmed("all").await.expect("joined") != JoinConfirmation::Confirmed {}
        Ok(Guest { socket })
    });
    TestServer::start(Router::new().procedure("/api/v1.0/chat", chat).backplane(nats)).await
}

async fn connect(server: &TestServer) -> (ChatClient, ChatEvents) {
    ChatClient::connect(&server.url("/api/v1.0/chat")).await.expect("a client")
}

/// The next event, which is a number.
async fn receive(events: &mut ChatEvents) -> u32 {
    number(within_timeout("an event", events.next()).await)
}

fn number(event: Option<ChatEvent>) -> u32 {
    let Some(ChatEvent::Said { text }) = event else { panic!("not an event: {event:?}") };
    text.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_the_clients_of_another_node() {
    let Some(nats) = Broker::nats(&[]).await else { return };
    let (one, two) = (node(&nats).await, node(&nats).await);
    let (client, _events) = connect(&one).await;
    let (_other, mut events) = connect(&two).await;
    for number in 0..100_u32 {
        client.say(number.to_string()).expect("sent");
    }
    for number in 0..100 {
        assert_eq!(receive(&mut events).await, number);
    }
}

/// Starts the server of a cluster whose other members are at `routes`.
async fn member(routes: &[String]) -> Option<Broker> {
    let cluster =
        format!("cluster {{ name: parlor, listen: \"127.0.0.1:-1\", routes: {routes:?} }}");
    Broker::nats(&[&cluster]).await
}

/// The route to a server. The system has chosen its port.
async fn route(nats: &Broker) -> String {
    let listening = async {
        loop {
            let log = nats.log();
            // With the end of its line, so that the port is complete.
            let after = log.split_once("Listening for route connections on ");
            if let Some((addr, _)) = after.and_then(|(_, after)| after.split_once('\n')) {
                return format!("nats://{}", addr.trim());
            }
            yield_now().await;
        }
    };
    within_timeout("the port for routes", listening).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_a_node_with_another_server_of_the_cluster() {
    let Some(first) = member(&[]).await else { return };
    let Some(second) = member(&[route(&first).await]).await else { return };
    let (one, two) = (node(&first).await, node(&second).await);
    let (client, mut own) = connect(&one).await;
    let (_other, mut events) = connect(&two).await;
    // The server of the publisher learns of the subscription later.
    let mut sent = 0;
    let until_one_arrives = async {
        loop {
            client.say(sent.to_string()).expect("sent");
            assert_eq!(receive(&mut own).await, sent);
            sent += 1;
            if let Some(event) = events.next().now_or_never() {
                return number(event);
            }
        }
    };
    let first = within_timeout("an event", until_one_arrives).await;
    for number in sent..sent + 100 {
        client.say(number.to_string()).expect("sent");
    }
    for number in first + 1..sent + 100 {
        assert_eq!(receive(&mut events).await, number);
    }
}
