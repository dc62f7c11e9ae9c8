use parlor::backplane::{JoinConfirmation, Nats};
use parlor::prelude::*;
use parlor_tests::{Broker, TestServer, within_timeout};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_reaches_the_clients_of_another_node() {
    let Some(nats) = Broker::nats(&[]).await else { return };
    let (one, two) = (node(&nats).await, node(&nats).await);
    let connect = async |server: &TestServer| {
        ChatClient::connect(&server.url("/api/v1.0/chat")).await.expect("a client")
    };
    let (client, _events) = connect(&one).await;
    let (_other, mut events) = connect(&two).await;
    for number in 0..100 {
        client.say(number.to_string()).expect("sent");
    }
    for number in 0..100 {
        let event = within_timeout("an event", events.next()).await;
        let Some(ChatEvent::Said { text }) = event else { panic!("not an event: {event:?}") };
        assert_eq!(text, number.to_string());
    }
}
