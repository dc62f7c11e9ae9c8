// The expansion of `tests/golden/input/smallest.rs`. Written by
// `PARLOR_OVERWRITE=1 cargo test -p parlor-macros --all-features golden`.

trait Smallest: ::core::marker::Sized + ::core::marker::Send {
    fn ping_me(
        &mut self,
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
    /// Serves [`Smallest`]. Made from a function that makes the session of a socket.
    type SmallestServer<__Session> = ::parlor::Server<SmallestEmitter, __Session>;
    /// The server's handle to one session of [`Smallest`].
    type SmallestSocket = ::parlor::Socket<SmallestEmitter>;
    /// The server's handle to all sessions of [`Smallest`].
    type SmallestIo = ::parlor::Io<SmallestEmitter>;
    /// Sends the outgoing events of [`Smallest`] to one audience.
    struct SmallestEmitter(::parlor::__private::Emitter);
}
::parlor::__private::client! {
    /// A client of [`Smallest`], with a method per incoming event. Cheap to clone.
    struct SmallestClient(::parlor::__private::Client);
    /// The events that a client of [`Smallest`] receives, in order.
    type SmallestEvents = ::parlor::client::ClientEvents<SmallestEvent>;
    /// An event that a client of [`Smallest`] receives.
    #[allow(clippy::exhaustive_enums)]
    enum SmallestEvent {
        /// The connection was lost, restored or closed.
        Connection(::parlor::client::ConnectionChange),
    }
}
const _: () = {
    ::parlor::__private::server! {
        /// An incoming event with its arguments.
        enum __SmallestIncoming {
            PingMe,
        }
        impl ::parlor::__private::Events for __SmallestIncoming {
            fn decode<'de, __D: ::parlor::__private::Deserializer<'de>>(
                name: &::core::primitive::str,
                payload: __D,
            ) -> ::core::result::Result<
                Self,
                ::parlor::__private::DecodeError<__D::Error>,
            > {
                match name {
                    "pingMe" => {
                        ::parlor::__private::decode_fields::<(), __D>(payload, &[])?;
                        ::core::result::Result::Ok(Self::PingMe)
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
        enum __SmallestOutgoingIndex {}
        impl SmallestEmitter {}
        const _: () = {
            let _ = |_: &SmallestEmitter| {};
        };
        impl ::core::convert::From<::parlor::__private::Emitter> for SmallestEmitter {
            fn from(handle: ::parlor::__private::Emitter) -> Self {
                Self(handle)
            }
        }
        impl ::core::clone::Clone for SmallestEmitter {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for SmallestEmitter {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("SmallestEmitter")
            }
        }
        impl ::parlor::__private::Contract for SmallestEmitter {
            const NAME: &'static ::core::primitive::str = "Smallest";
            const INCOMING: &'static [&'static ::core::primitive::str] = &["pingMe"];
            const OUTGOING: &'static [::parlor::Outgoing] = {
                use ::parlor::__private::NoShape as _;
                let _: fn() -> ::core::option::Option<::parlor::__private::Shape> = ::parlor::__private::ShapeOf::<
                    (),
                >::shape;
                &[]
            };
            type Incoming = __SmallestIncoming;
            fn name(event: &__SmallestIncoming) -> &'static ::core::primitive::str {
                match *event {
                    __SmallestIncoming::PingMe { .. } => "pingMe",
                }
            }
        }
        impl<__Session: Smallest> ::parlor::__private::Procedure<__Session>
        for SmallestEmitter {
            fn handle(
                session: &mut __Session,
                event: __SmallestIncoming,
                reply: &mut ::parlor::__private::Reply,
            ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
                async move {
                    let _ = (&session, &reply);
                    match event {
                        __SmallestIncoming::PingMe => {
                            <__Session as Smallest>::ping_me(session).await;
                            reply.none()
                        }
                    }
                }
            }
            async fn disconnected(
                session: &mut __Session,
                reason: ::parlor::DisconnectReason,
            ) {
                <__Session as Smallest>::disconnected(session, reason).await
            }
            async fn detached(session: &mut __Session) {
                <__Session as Smallest>::detached(session).await
            }
            async fn resumed(
                session: &mut __Session,
                request: ::parlor::Request,
            ) -> ::core::result::Result<(), ::parlor::Reject> {
                <__Session as Smallest>::resumed(session, request).await
            }
        }
    }
    ::parlor::__private::client! {
        impl SmallestClient {
            /// Connects to the procedure at a `ws://` URL with default settings.
            #[allow(clippy::impl_trait_in_params)]
            fn connect(
                url: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<
                    (SmallestClient, SmallestEvents),
                    ::parlor::client::ConnectError,
                >,
            > + ::core::marker::Send {
                Self::builder(url).connect()
            }
            /// Starts to configure a client for the procedure at a `ws://` URL.
            #[allow(clippy::impl_trait_in_params)]
            fn builder(
                url: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> ::parlor::client::ClientBuilder<SmallestClient> {
                ::parlor::client::ClientBuilder::new(
                    ::core::convert::AsRef::<::core::primitive::str>::as_ref(&url),
                )
            }
            /// Closes the connection. The client does not reconnect.
            fn close(&self) {
                self.0.close();
            }
            /// How the last connection, or attempt to reconnect, ended; `None` before the first end.
            fn last_close(&self) -> ::core::option::Option<::parlor::client::Close> {
                self.0.last_close()
            }
            /// Returns whether the client is connected.
            fn status(&self) -> ::parlor::client::ClientStatus {
                self.0.status()
            }
            /// Sends `pingMe`.
            fn ping_me(
                &self,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                self.0
                    .emit(
                        "pingMe",
                        &::parlor::__private::Object {
                            names: &[],
                            values: (),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
        }
        const _: () = {
            let _ = |this: &SmallestClient| this.ping_me();
        };
        impl ::core::convert::From<::parlor::__private::Client> for SmallestClient {
            fn from(handle: ::parlor::__private::Client) -> Self {
                Self(handle)
            }
        }
        impl ::core::clone::Clone for SmallestClient {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for SmallestClient {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("SmallestClient")
            }
        }
        impl ::parlor::__private::ClientHandle for SmallestClient {
            type Event = SmallestEvent;
        }
        impl ::parlor::__private::Events for SmallestEvent {
            fn decode<'de, __D: ::parlor::__private::Deserializer<'de>>(
                name: &::core::primitive::str,
                payload: __D,
            ) -> ::core::result::Result<
                Self,
                ::parlor::__private::DecodeError<__D::Error>,
            > {
                match name {
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
            let _ = |received: SmallestEvent| match received {
                _ => {}
            };
        };
        impl ::core::convert::From<::parlor::client::ConnectionChange>
        for SmallestEvent {
            fn from(change: ::parlor::client::ConnectionChange) -> Self {
                Self::Connection(change)
            }
        }
        impl ::core::fmt::Debug for SmallestEvent {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    Self::Connection(change) => {
                        f.debug_tuple("Connection").field(change).finish()
                    }
                }
            }
        }
    }
    ::parlor::__private::without_server! {
        const _ : () = { struct __Used; impl < __Session : Smallest >
        ::core::cmp::PartialEq < __Session > for __Used { fn eq(& self, _ : & __Session)
        -> ::core::primitive::bool { let _ = < __Session as Smallest > ::ping_me; let _ =
        < __Session as Smallest > ::disconnected; let _ = < __Session as Smallest >
        ::detached; let _ = < __Session as Smallest > ::resumed; false } } let _ =
        __Used; };
    }
};
