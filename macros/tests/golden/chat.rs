// The expansion of `../examples/chat/contract.rs`. Written by
// `PARLOR_OVERWRITE=1 cargo test -p parlor-macros --all-features golden`.

use parlor::prelude::*;
/// A chat with rooms.
pub trait Chat: ::core::marker::Sized + ::core::marker::Send {
    /// Sends `text` to everyone in `room`.
    fn send_message(
        &mut self,
        room: String,
        text: String,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    /// Joins `room`. Returns its members.
    fn join_room(
        &mut self,
        room: String,
    ) -> impl ::core::future::Future<
        Output = Result<Vec<String>, JoinError>,
    > + ::core::marker::Send;
    /// Leaves `room`.
    fn leave_room(
        &mut self,
        room: String,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    /// Runs once, after the last event, when the session ends. The session is still in its rooms.
    ///
    /// By default it does nothing.
    #[inline]
    fn disconnected(
        &mut self,
        reason: ::parlor::DisconnectReason,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
        ::core::mem::drop(reason);
        ::core::future::ready(())
    }
    /// Runs each time the connection of this session is lost and the session is kept for its client:
    /// after the messages that were read, and before `resumed` and `disconnected`. It does not run
    /// when the session ends with its connection, nor when its client has resumed it over a new
    /// connection before the server noticed the loss. What it emits to its own client is sent when
    /// the client is back. A panic ends the session.
    ///
    /// By default it does nothing.
    #[inline]
    fn detached(
        &mut self,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
        ::core::future::ready(())
    }
    /// Runs when the client resumes this session over a new connection, before anything is sent
    /// to it. `Err` rejects the connection: the session stays as it was, and the connection is
    /// closed with the code of the `Reject`. A panic ends the session.
    ///
    /// By default it accepts the connection.
    #[inline]
    fn resumed(
        &mut self,
        request: ::parlor::Request,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<(), ::parlor::Reject>,
    > + ::core::marker::Send {
        ::core::mem::drop(request);
        ::core::future::ready(::core::result::Result::Ok(()))
    }
}
::parlor::__private::server! {
    /// Serves [`Chat`]. Made from a function that makes the session of a socket.
    pub type ChatServer<__Session> = ::parlor::Server<ChatEmitter, __Session>;
    /// The server's handle to one session of [`Chat`].
    pub type ChatSocket = ::parlor::Socket<ChatEmitter>;
    /// The server's handle to all sessions of [`Chat`].
    pub type ChatIo = ::parlor::Io<ChatEmitter>;
    /// Sends the outgoing events of [`Chat`] to one audience.
    pub struct ChatEmitter(::parlor::__private::Emitter);
}
::parlor::__private::client! {
    /// A client of [`Chat`], with a method per incoming event. Cheap to clone.
    pub struct ChatClient(::parlor::__private::Client);
    /// The events that a client of [`Chat`] receives, in order.
    pub type ChatEvents = ::parlor::client::ClientEvents<ChatEvent>;
    /// An event that a client of [`Chat`] receives.
    #[allow(clippy::exhaustive_enums)]
    pub enum ChatEvent {
        /// A message in a room.
        NewMessage {
            /// The field `room`.
            room: String,
            /// The field `text`.
            text: String,
            /// The field `userId`.
            user_id: String,
            /// The field `timestamp`.
            timestamp: u64,
        },
        /// A user joined a room.
        UserJoined {
            /// The field `room`.
            room: String,
            /// The field `userId`.
            user_id: String,
        },
        /// A user left a room.
        UserLeft {
            /// The field `room`.
            room: String,
            /// The field `userId`.
            user_id: String,
        },
        /// The connection was lost, restored or closed.
        Connection(::parlor::client::ConnectionChange),
    }
}
const _: () = {
    struct __ChatValidation;
    impl __ChatValidation {
        fn incoming_send_message(
            __field_0: &::core::primitive::str,
        ) -> ::core::result::Result<(), ::parlor::__private::Violation> {
            ::parlor::__private::rules::length(
                "text",
                __field_0,
                ::core::option::Option::Some(1),
                ::core::option::Option::Some(1000),
            )?;
            ::core::result::Result::Ok(())
        }
    }
    ::parlor::__private::server! {
        /// An incoming event with its arguments.
        pub enum __ChatIncoming {
            SendMessage { room: String, text: String },
            JoinRoom { room: String },
            LeaveRoom { room: String },
        }
        impl ::parlor::__private::Events for __ChatIncoming {
            fn decode<'de, __D: ::parlor::__private::Deserializer<'de>>(
                name: &::core::primitive::str,
                payload: __D,
            ) -> ::core::result::Result<
                Self,
                ::parlor::__private::DecodeError<__D::Error>,
            > {
                match name {
                    "sendMessage" => {
                        let (room, text) = ::parlor::__private::decode_fields::<
                            (String, String),
                            __D,
                        >(payload, &["room", "text"])?;
                        __ChatValidation::incoming_send_message(&text)?;
                        ::core::result::Result::Ok(Self::SendMessage { room, text })
                    }
                    "joinRoom" => {
                        let (room,) = ::parlor::__private::decode_fields::<
                            (String,),
                            __D,
                        >(payload, &["room"])?;
                        ::core::result::Result::Ok(Self::JoinRoom { room })
                    }
                    "leaveRoom" => {
                        let (room,) = ::parlor::__private::decode_fields::<
                            (String,),
                            __D,
                        >(payload, &["room"])?;
                        ::core::result::Result::Ok(Self::LeaveRoom { room })
                    }
                    _ => {
                        ::core::mem::drop(payload);
                        ::core::result::Result::Err(
                            ::parlor::__private::DecodeError::Unknown,
                        )
                    }
                }
            }
        }
        /// Indexes of the outgoing events in `OUTGOING`.
        enum __ChatOutgoingIndex {
            NewMessage,
            UserJoined,
            UserLeft,
        }
        impl ChatEmitter {
            /// A message in a room.
            #[allow(clippy::impl_trait_in_params)]
            pub fn new_message(
                &self,
                room: impl ::core::convert::AsRef<::core::primitive::str>,
                text: impl ::core::convert::AsRef<::core::primitive::str>,
                user_id: impl ::core::convert::AsRef<::core::primitive::str>,
                timestamp: u64,
            ) {
                let room = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&room);
                let text = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&text);
                let user_id = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&user_id);
                self.0
                    .emit(
                        __ChatOutgoingIndex::NewMessage as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &["room", "text", "userId", "timestamp"],
                            values: (room, text, user_id, &timestamp),
                        },
                        ::core::result::Result::Ok(()),
                    );
            }
            /// A user joined a room.
            #[allow(clippy::impl_trait_in_params)]
            pub fn user_joined(
                &self,
                room: impl ::core::convert::AsRef<::core::primitive::str>,
                user_id: impl ::core::convert::AsRef<::core::primitive::str>,
            ) {
                let room = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&room);
                let user_id = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&user_id);
                self.0
                    .emit(
                        __ChatOutgoingIndex::UserJoined as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &["room", "userId"],
                            values: (room, user_id),
                        },
                        ::core::result::Result::Ok(()),
                    );
            }
            /// A user left a room.
            #[allow(clippy::impl_trait_in_params)]
            pub fn user_left(
                &self,
                room: impl ::core::convert::AsRef<::core::primitive::str>,
                user_id: impl ::core::convert::AsRef<::core::primitive::str>,
            ) {
                let room = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&room);
                let user_id = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&user_id);
                self.0
                    .emit(
                        __ChatOutgoingIndex::UserLeft as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &["room", "userId"],
                            values: (room, user_id),
                        },
                        ::core::result::Result::Ok(()),
                    );
            }
        }
        const _: () = {
            let _ = |_: &ChatEmitter| {};
            let _ = |
                this: &ChatEmitter,
                room: &::core::primitive::str,
                text: &::core::primitive::str,
                user_id: &::core::primitive::str,
                timestamp: u64|
            this.new_message(room, text, user_id, timestamp);
            let _ = |
                this: &ChatEmitter,
                room: &::core::primitive::str,
                user_id: &::core::primitive::str|
            this.user_joined(room, user_id);
            let _ = |
                this: &ChatEmitter,
                room: &::core::primitive::str,
                user_id: &::core::primitive::str|
            this.user_left(room, user_id);
        };
        impl ::core::convert::From<::parlor::__private::Emitter> for ChatEmitter {
            fn from(handle: ::parlor::__private::Emitter) -> Self {
                Self(handle)
            }
        }
        impl ::core::clone::Clone for ChatEmitter {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for ChatEmitter {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("ChatEmitter")
            }
        }
        impl ::parlor::__private::Contract for ChatEmitter {
            const NAME: &'static ::core::primitive::str = "Chat";
            const INCOMING: &'static [&'static ::core::primitive::str] = &[
                "sendMessage",
                "joinRoom",
                "leaveRoom",
            ];
            const OUTGOING: &'static [::parlor::Outgoing] = {
                use ::parlor::__private::NoShape as _;
                let _: fn() -> ::core::option::Option<::parlor::__private::Shape> = ::parlor::__private::ShapeOf::<
                    (),
                >::shape;
                &[
                    ::parlor::Outgoing {
                        name: "newMessage",
                        policy: ::parlor::rooms::DeliveryPolicy::Reliable,
                        shape: ::parlor::__private::Shape {
                            digest: 0xbc9d_8100_9257_7255,
                            types: &[],
                        },
                    },
                    ::parlor::Outgoing {
                        name: "userJoined",
                        policy: ::parlor::rooms::DeliveryPolicy::Reliable,
                        shape: ::parlor::__private::Shape {
                            digest: 0xfb83_fd9f_709f_2003,
                            types: &[],
                        },
                    },
                    ::parlor::Outgoing {
                        name: "userLeft",
                        policy: ::parlor::rooms::DeliveryPolicy::Reliable,
                        shape: ::parlor::__private::Shape {
                            digest: 0x6d31_69ff_20de_29e3,
                            types: &[],
                        },
                    },
                ]
            };
            type Incoming = __ChatIncoming;
            fn name(event: &__ChatIncoming) -> &'static ::core::primitive::str {
                match *event {
                    __ChatIncoming::SendMessage { .. } => "sendMessage",
                    __ChatIncoming::JoinRoom { .. } => "joinRoom",
                    __ChatIncoming::LeaveRoom { .. } => "leaveRoom",
                }
            }
            fn typescript() -> ::core::option::Option<
                ::parlor::__private::typescript::Description,
            > {
                let mut description = ::parlor::__private::typescript::Description::new::<
                    Self,
                >("Chat", &[" A chat with rooms."]);
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "sendMessage",
                                &[" Sends `text` to everyone in `room`."],
                            )
                            .field(
                                "room",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "text",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <String as ::parlor::__private::HasTypeScript<
                                            _,
                                        >>::typescript(),
                                    )
                                    .rule(::parlor::__private::typescript::Rule::Length {
                                        min: ::core::option::Option::Some(1f64),
                                        max: ::core::option::Option::Some(1000f64),
                                    }),
                            ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "joinRoom",
                                &[" Joins `room`. Returns its members."],
                            )
                            .field(
                                "room",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .answer(
                                <Vec<
                                    String,
                                > as ::parlor::__private::HasTypeScript<_>>::typescript(),
                            )
                            .error(
                                <JoinError as ::parlor::__private::HasTypeScript<
                                    _,
                                >>::typescript(),
                            ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "leaveRoom",
                                &[" Leaves `room`."],
                            )
                            .field(
                                "room",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            ),
                    );
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                                "newMessage",
                                &[" A message in a room."],
                            )
                            .field(
                                "room",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "text",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "userId",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "timestamp",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <u64 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            ),
                    );
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                                "userJoined",
                                &[" A user joined a room."],
                            )
                            .field(
                                "room",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "userId",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            ),
                    );
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                                "userLeft",
                                &[" A user left a room."],
                            )
                            .field(
                                "room",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "userId",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            ),
                    );
                ::core::option::Option::Some(description)
            }
        }
        impl<__Session: Chat> ::parlor::__private::Procedure<__Session> for ChatEmitter {
            fn handle(
                session: &mut __Session,
                event: __ChatIncoming,
                reply: &mut ::parlor::__private::Reply,
            ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
                async move {
                    let _ = (&session, &reply);
                    match event {
                        __ChatIncoming::SendMessage { room, text } => {
                            <__Session as Chat>::send_message(session, room, text).await;
                            reply.none()
                        }
                        __ChatIncoming::JoinRoom { room } => {
                            let answer = <__Session as Chat>::join_room(session, room)
                                .await
                                .map_err(
                                    <JoinError as ::parlor::__private::Payload<_>>::into_wire,
                                );
                            reply.result(&answer)
                        }
                        __ChatIncoming::LeaveRoom { room } => {
                            <__Session as Chat>::leave_room(session, room).await;
                            reply.none()
                        }
                    }
                }
            }
            async fn disconnected(
                session: &mut __Session,
                reason: ::parlor::DisconnectReason,
            ) {
                <__Session as Chat>::disconnected(session, reason).await
            }
            async fn detached(session: &mut __Session) {
                <__Session as Chat>::detached(session).await
            }
            async fn resumed(
                session: &mut __Session,
                request: ::parlor::Request,
            ) -> ::core::result::Result<(), ::parlor::Reject> {
                <__Session as Chat>::resumed(session, request).await
            }
        }
    }
    ::parlor::__private::client! {
        impl ChatClient {
            /// Connects to the procedure at a `ws://` URL with default settings.
            #[allow(clippy::impl_trait_in_params)]
            pub fn connect(
                url: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<
                    (ChatClient, ChatEvents),
                    ::parlor::client::ConnectError,
                >,
            > + ::core::marker::Send {
                Self::builder(url).connect()
            }
            /// Starts to configure a client for the procedure at a `ws://` URL.
            #[allow(clippy::impl_trait_in_params)]
            pub fn builder(
                url: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> ::parlor::client::ClientBuilder<ChatClient> {
                ::parlor::client::ClientBuilder::new(
                    ::core::convert::AsRef::<::core::primitive::str>::as_ref(&url),
                )
            }
            /// Closes the connection. The client does not reconnect.
            pub fn close(&self) {
                self.0.close();
            }
            /// How the last connection, or attempt to reconnect, ended; `None` before the first end.
            pub fn last_close(&self) -> ::core::option::Option<::parlor::client::Close> {
                self.0.last_close()
            }
            /// Returns whether the client is connected.
            pub fn status(&self) -> ::parlor::client::ClientStatus {
                self.0.status()
            }
            /// Sends `text` to everyone in `room`.
            #[allow(clippy::impl_trait_in_params)]
            pub fn send_message(
                &self,
                room: impl ::core::convert::AsRef<::core::primitive::str>,
                text: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                let room = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&room);
                let text = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&text);
                self.0
                    .emit(
                        "sendMessage",
                        &::parlor::__private::Object {
                            names: &["room", "text"],
                            values: (room, text),
                        },
                        __ChatValidation::incoming_send_message(text),
                    )
            }
            /// Joins `room`. Returns its members.
            #[allow(clippy::impl_trait_in_params)]
            pub fn join_room(
                &self,
                room: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> ::parlor::client::Call<Vec<String>, JoinError> {
                let room = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&room);
                <JoinError as ::parlor::__private::Payload<
                    _,
                >>::error_from_wire(
                    self
                        .0
                        .call(
                            "joinRoom",
                            &::parlor::__private::Object {
                                names: &["room"],
                                values: (room,),
                            },
                            ::core::result::Result::Ok(()),
                        ),
                )
            }
            /// Leaves `room`.
            #[allow(clippy::impl_trait_in_params)]
            pub fn leave_room(
                &self,
                room: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                let room = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&room);
                self.0
                    .emit(
                        "leaveRoom",
                        &::parlor::__private::Object {
                            names: &["room"],
                            values: (room,),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
        }
        const _: () = {
            let _ = |
                this: &ChatClient,
                room: &::core::primitive::str,
                text: &::core::primitive::str|
            this.send_message(room, text);
            let _ = |this: &ChatClient, room: &::core::primitive::str| {
                this.join_room(room)
            };
            let _ = |this: &ChatClient, room: &::core::primitive::str| {
                this.leave_room(room)
            };
        };
        impl ::core::convert::From<::parlor::__private::Client> for ChatClient {
            fn from(handle: ::parlor::__private::Client) -> Self {
                Self(handle)
            }
        }
        impl ::core::clone::Clone for ChatClient {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for ChatClient {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("ChatClient")
            }
        }
        impl ::parlor::__private::ClientHandle for ChatClient {
            type Event = ChatEvent;
        }
        impl ::parlor::__private::Events for ChatEvent {
            fn decode<'de, __D: ::parlor::__private::Deserializer<'de>>(
                name: &::core::primitive::str,
                payload: __D,
            ) -> ::core::result::Result<
                Self,
                ::parlor::__private::DecodeError<__D::Error>,
            > {
                match name {
                    "newMessage" => {
                        let (room, text, user_id, timestamp) = ::parlor::__private::decode_fields::<
                            (String, String, String, u64),
                            __D,
                        >(payload, &["room", "text", "userId", "timestamp"])?;
                        ::core::result::Result::Ok(Self::NewMessage {
                            room,
                            text,
                            user_id,
                            timestamp,
                        })
                    }
                    "userJoined" => {
                        let (room, user_id) = ::parlor::__private::decode_fields::<
                            (String, String),
                            __D,
                        >(payload, &["room", "userId"])?;
                        ::core::result::Result::Ok(Self::UserJoined { room, user_id })
                    }
                    "userLeft" => {
                        let (room, user_id) = ::parlor::__private::decode_fields::<
                            (String, String),
                            __D,
                        >(payload, &["room", "userId"])?;
                        ::core::result::Result::Ok(Self::UserLeft { room, user_id })
                    }
                    _ => {
                        ::core::mem::drop(payload);
                        ::core::result::Result::Err(
                            ::parlor::__private::DecodeError::Unknown,
                        )
                    }
                }
            }
        }
        const _: () = {
            let _ = |received: ChatEvent| match received {
                ChatEvent::NewMessage { room, text, user_id, timestamp } => {
                    let _ = (&room, &text, &user_id, &timestamp);
                }
                ChatEvent::UserJoined { room, user_id } => {
                    let _ = (&room, &user_id);
                }
                ChatEvent::UserLeft { room, user_id } => {
                    let _ = (&room, &user_id);
                }
                _ => {}
            };
        };
        impl ::core::convert::From<::parlor::client::ConnectionChange> for ChatEvent {
            fn from(change: ::parlor::client::ConnectionChange) -> Self {
                Self::Connection(change)
            }
        }
        impl ::core::fmt::Debug for ChatEvent {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    Self::NewMessage { .. } => f.write_str("NewMessage { .. }"),
                    Self::UserJoined { .. } => f.write_str("UserJoined { .. }"),
                    Self::UserLeft { .. } => f.write_str("UserLeft { .. }"),
                    Self::Connection(change) => {
                        f.debug_tuple("Connection").field(change).finish()
                    }
                }
            }
        }
    }
    ::parlor::__private::without_server! {
        const _ : () = { struct __Used; impl < __Session : Chat > ::core::cmp::PartialEq
        < __Session > for __Used { fn eq(& self, _ : & __Session) ->
        ::core::primitive::bool { let _ = < __Session as Chat > ::send_message; let _ = <
        __Session as Chat > ::join_room; let _ = < __Session as Chat > ::leave_room; let
        _ = < __Session as Chat > ::disconnected; let _ = < __Session as Chat >
        ::detached; let _ = < __Session as Chat > ::resumed; false } } let _ = __Used; };
    }
};
#[derive(::parlor::__private::serde::Serialize, ::parlor::__private::serde::Deserialize)]
#[derive(::parlor::__private::ts_rs::TS)]
#[serde(crate = ":: parlor :: __private :: serde")]
#[serde(rename_all = "camelCase")]
#[serde(rename_all_fields = "camelCase")]
#[ts(crate = ":: parlor :: __private :: ts_rs")]
/// Why joining a room failed.
#[derive(Debug)]
#[serde(tag = "error")]
pub enum JoinError {
    #[ts(optional_fields = nullable)]
    /// The room cannot be joined, for the reason in `message`.
    NoEntry { message: String },
}
#[automatically_derived]
impl ::parlor::__private::HasShape for JoinError {
    const SHAPE: ::parlor::__private::Shape = {
        use ::parlor::__private::NoShape as _;
        let _: fn() -> ::core::option::Option<::parlor::__private::Shape> = ::parlor::__private::ShapeOf::<
            (),
        >::shape;
        ::parlor::__private::Shape {
            digest: 0x0188_48f9_16b8_c5bc,
            types: &[],
        }
    };
}
