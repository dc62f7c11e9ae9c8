// The expansion of `tests/golden/input/everything.rs`. Written by
// `PARLOR_OVERWRITE=1 cargo test -p parlor-macros --all-features golden`.

use parlor::prelude::*;
/// Each option of the macros at least once.
#[allow(clippy::pedantic)]
pub(crate) trait Everything: ::core::marker::Sized + ::core::marker::Send + Sync {
    /// An event without fields.
    fn start(
        &mut self,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    /// An event with a name of its own, and fields with options.
    fn draw(
        &mut self,
        color: Color,
        width: u32,
        label: Option<Label>,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    /// Each rule.
    fn validate(
        &mut self,
        name: String,
        age: u8,
        email: Option<String>,
        links: Vec<String>,
        address: Address,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    /// A whole payload.
    fn replace(
        &mut self,
        drawing: Drawing,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    /// A call that cannot fail.
    fn count(
        &mut self,
    ) -> impl ::core::future::Future<Output = u64> + ::core::marker::Send;
    /// A call whose answer is a user's type.
    fn drawing(
        &mut self,
        id: u64,
    ) -> impl ::core::future::Future<Output = Drawing> + ::core::marker::Send;
    /// A call with a typed error.
    fn join(
        &mut self,
        room: String,
    ) -> impl ::core::future::Future<
        Output = Result<Vec<Drawing>, JoinError>,
    > + ::core::marker::Send;
    /// An event with a default handler.
    #[inline]
    fn seen(
        &mut self,
        id: u64,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
        async move {
            let _ = id;
        }
    }
    /// An event that exists on Unix only.
    #[cfg(unix)]
    fn signal(
        &mut self,
        number: i32,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    #[allow(non_snake_case)]
    fn r#begin(
        &mut self,
        at: u64,
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
    /// Serves [`Everything`]. Made from a function that makes the session of a socket.
    #[allow(clippy::pedantic)]
    pub(crate) type EverythingServer<__Session> = ::parlor::Server<
        EverythingEmitter,
        __Session,
    >;
    /// The server's handle to one session of [`Everything`].
    #[allow(clippy::pedantic)]
    pub(crate) type EverythingSocket = ::parlor::Socket<EverythingEmitter>;
    /// The server's handle to all sessions of [`Everything`].
    #[allow(clippy::pedantic)]
    pub(crate) type EverythingIo = ::parlor::Io<EverythingEmitter>;
    /// Sends the outgoing events of [`Everything`] to one audience.
    #[allow(clippy::pedantic)]
    pub(crate) struct EverythingEmitter(::parlor::__private::Emitter);
}
::parlor::__private::client! {
    /// A client of [`Everything`], with a method per incoming event. Cheap to clone.
    #[allow(clippy::pedantic)]
    pub(crate) struct EverythingClient(::parlor::__private::Client);
    /// The events that a client of [`Everything`] receives, in order.
    #[allow(clippy::pedantic)]
    pub(crate) type EverythingEvents = ::parlor::client::ClientEvents<EverythingEvent>;
    /// An event that a client of [`Everything`] receives.
    #[allow(clippy::pedantic)]
    #[allow(clippy::exhaustive_enums)]
    pub(crate) enum EverythingEvent {
        /// A reliable event.
        Drawn {
            /// The field `user_id`.
            user_id: String,
            /// The field `color`.
            color: Color,
            /// The field `label`.
            label: String,
        },
        /// A volatile event.
        Typing {
            /// The field `user_id`.
            user_id: String,
        },
        /// Only the newest.
        Score {
            /// The field `home`.
            home: u32,
            /// The field `guests`.
            guests: u32,
        },
        /// Only the newest of each user.
        Moved {
            /// The field `user_id`.
            user_id: UserId,
            /// The field `x`.
            x: u32,
        },
        /// Only the newest of each drawing.
        Replaced(Drawing),
        /// An event without fields, and with a name of its own.
        #[cfg(unix)]
        Cleared,
        /// The connection was lost, restored or closed.
        Connection(::parlor::client::ConnectionChange),
    }
}
#[allow(clippy::pedantic)]
const _: () = {
    const _: () = {
        use ::parlor::__private::NotResult as _;
        let is_result = ::parlor::__private::ReturnType::<Drawing>::IS_RESULT;
        ::core::assert!(
            ! is_result,
            "`Drawing` is an alias of a `Result`: write `-> Result<T, E>`, so that clients get the typed error"
        )
    };
    struct __EverythingValidation;
    impl __EverythingValidation {
        fn incoming_validate(
            __field_0: &::core::primitive::str,
            __field_1: &u8,
            __field_2: &Option<String>,
            __field_3: &Vec<String>,
            __field_4: &Address,
        ) -> ::core::result::Result<(), ::parlor::__private::Violation> {
            ::parlor::__private::rules::length(
                "name",
                __field_0,
                ::core::option::Option::Some(1),
                ::core::option::Option::Some(10),
            )?;
            {
                static PATTERN: ::parlor::__private::rules::Pattern = ::parlor::__private::rules::Pattern::new(||
                { ::parlor::__private::rules::compile("^[a-z]+$") });
                ::parlor::__private::rules::pattern("name", __field_0, &PATTERN)
            }?;
            ::parlor::__private::rules::range(
                "age",
                __field_1,
                ::core::option::Option::Some(0),
                ::core::option::Option::Some(MAX_AGE),
            )?;
            ::parlor::__private::rules::custom("age", __field_1, is_even)?;
            if let ::core::option::Option::Some(value) = __field_2 {
                let value: &::core::primitive::str = value;
                ::parlor::__private::rules::email("email", value)?;
            }
            ::parlor::__private::rules::inner(
                "links",
                __field_3,
                |element| {
                    ::parlor::__private::rules::url("", element)?;
                    ::parlor::__private::rules::length(
                        "",
                        element,
                        ::core::option::Option::Some(20),
                        ::core::option::Option::Some(20),
                    )?;
                    ::core::result::Result::Ok(())
                },
            )?;
            ::parlor::__private::rules::nested("address", __field_4)?;
            ::core::result::Result::Ok(())
        }
        fn outgoing_drawn(
            __field_0: &::core::primitive::str,
        ) -> ::core::result::Result<(), ::parlor::__private::Violation> {
            ::parlor::__private::rules::length(
                "label",
                __field_0,
                ::core::option::Option::None,
                ::core::option::Option::Some(20),
            )?;
            ::core::result::Result::Ok(())
        }
    }
    ::parlor::__private::server! {
        /// An incoming event with its arguments.
        pub(crate) enum __EverythingIncoming {
            Start,
            Draw { color: Color, width: u32, label: Option<Label> },
            Validate {
                name: String,
                age: u8,
                email: Option<String>,
                links: Vec<String>,
                address: Address,
            },
            Replace { drawing: Drawing },
            Count,
            Drawing { id: u64 },
            Join { room: String },
            Seen { id: u64 },
            #[cfg(unix)]
            Signal { number: i32 },
            #[allow(non_snake_case)]
            Begin { at: u64 },
        }
        impl ::parlor::__private::Events for __EverythingIncoming {
            fn decode<'de, __D: ::parlor::__private::Deserializer<'de>>(
                name: &::core::primitive::str,
                payload: __D,
            ) -> ::core::result::Result<
                Self,
                ::parlor::__private::DecodeError<__D::Error>,
            > {
                match name {
                    "start" => {
                        ::parlor::__private::decode_fields::<(), __D>(payload, &[])?;
                        ::core::result::Result::Ok(Self::Start)
                    }
                    "draw-shape" => {
                        let (color, width, label) = ::parlor::__private::decode_fields::<
                            (
                                <Color as ::parlor::__private::Payload<_>>::This,
                                <u32 as ::parlor::__private::OrDefault<_>>::Wire,
                                <Option<Label> as ::parlor::__private::OrDefault<_>>::Wire,
                            ),
                            __D,
                        >(payload, &["color", "strokeWidth", "label"])?;
                        let color = <Color as ::parlor::__private::Payload<
                            _,
                        >>::from_wire(color);
                        let width = <u32 as ::parlor::__private::OrDefault<
                            _,
                        >>::from_wire(width);
                        let label = <Option<
                            Label,
                        > as ::parlor::__private::OrDefault<_>>::from_wire(label);
                        ::core::result::Result::Ok(Self::Draw { color, width, label })
                    }
                    "validate" => {
                        let (name, age, email, links, address) = ::parlor::__private::decode_fields::<
                            (
                                String,
                                u8,
                                Option<String>,
                                Vec<String>,
                                <Address as ::parlor::__private::Payload<_>>::This,
                            ),
                            __D,
                        >(payload, &["name", "age", "email", "links", "address"])?;
                        let address = <Address as ::parlor::__private::Payload<
                            _,
                        >>::from_wire(address);
                        __EverythingValidation::incoming_validate(
                            &name,
                            &age,
                            &email,
                            &links,
                            &address,
                        )?;
                        ::core::result::Result::Ok(Self::Validate {
                            name,
                            age,
                            email,
                            links,
                            address,
                        })
                    }
                    "replace" => {
                        let drawing = ::parlor::__private::decode_payload::<
                            <Drawing as ::parlor::__private::Payload<_>>::This,
                            __D,
                        >(payload)?;
                        let drawing = <Drawing as ::parlor::__private::Payload<
                            _,
                        >>::from_wire(drawing);
                        ::core::result::Result::Ok(Self::Replace { drawing })
                    }
                    "count" => {
                        ::parlor::__private::decode_fields::<(), __D>(payload, &[])?;
                        ::core::result::Result::Ok(Self::Count)
                    }
                    "drawing" => {
                        let (id,) = ::parlor::__private::decode_fields::<
                            (u64,),
                            __D,
                        >(payload, &["id"])?;
                        ::core::result::Result::Ok(Self::Drawing { id })
                    }
                    "join" => {
                        let (room,) = ::parlor::__private::decode_fields::<
                            (String,),
                            __D,
                        >(payload, &["room"])?;
                        ::core::result::Result::Ok(Self::Join { room })
                    }
                    "seen" => {
                        let (id,) = ::parlor::__private::decode_fields::<
                            (u64,),
                            __D,
                        >(payload, &["id"])?;
                        ::core::result::Result::Ok(Self::Seen { id })
                    }
                    #[cfg(unix)]
                    "signal" => {
                        let (number,) = ::parlor::__private::decode_fields::<
                            (i32,),
                            __D,
                        >(payload, &["number"])?;
                        ::core::result::Result::Ok(Self::Signal { number })
                    }
                    #[allow(non_snake_case)]
                    "begin" => {
                        let (at,) = ::parlor::__private::decode_fields::<
                            (u64,),
                            __D,
                        >(payload, &["at"])?;
                        ::core::result::Result::Ok(Self::Begin { at })
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
        enum __EverythingOutgoingIndex {
            Drawn,
            Typing,
            Score,
            Moved,
            Replaced,
            #[cfg(unix)]
            Cleared,
        }
        impl EverythingEmitter {
            /// A reliable event.
            #[allow(clippy::impl_trait_in_params)]
            pub(crate) fn drawn(
                &self,
                user_id: impl ::core::convert::AsRef<::core::primitive::str>,
                color: &Color,
                label: impl ::core::convert::AsRef<::core::primitive::str>,
            ) {
                let user_id = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&user_id);
                let label = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&label);
                self.0
                    .emit(
                        __EverythingOutgoingIndex::Drawn as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &["user_id", "color", "label"],
                            values: (
                                user_id,
                                <Color as ::parlor::__private::Payload<_>>::as_wire(color),
                                label,
                            ),
                        },
                        __EverythingValidation::outgoing_drawn(label),
                    );
            }
            /// A volatile event.
            #[allow(clippy::impl_trait_in_params)]
            pub(crate) fn typing(
                &self,
                user_id: impl ::core::convert::AsRef<::core::primitive::str>,
            ) {
                let user_id = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&user_id);
                self.0
                    .emit(
                        __EverythingOutgoingIndex::Typing as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &["user_id"],
                            values: (user_id,),
                        },
                        ::core::result::Result::Ok(()),
                    );
            }
            /// Only the newest.
            pub(crate) fn score(&self, home: u32, guests: u32) {
                self.0
                    .emit_latest(
                        __EverythingOutgoingIndex::Score as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &["home", "guests"],
                            values: (&home, &guests),
                        },
                        ::core::result::Result::Ok(()),
                        &(),
                    );
            }
            /// Only the newest of each user.
            pub(crate) fn moved(&self, user_id: &UserId, x: u32) {
                self.0
                    .emit_latest(
                        __EverythingOutgoingIndex::Moved as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &["user_id", "x"],
                            values: (
                                <UserId as ::parlor::__private::Payload<
                                    _,
                                >>::as_wire(user_id),
                                &x,
                            ),
                        },
                        ::core::result::Result::Ok(()),
                        <UserId as ::parlor::__private::Payload<_>>::as_wire(&user_id),
                    );
            }
            /// Only the newest of each drawing.
            pub(crate) fn replaced(&self, drawing: &Drawing) {
                self.0
                    .emit_latest(
                        __EverythingOutgoingIndex::Replaced as ::core::primitive::usize,
                        <Drawing as ::parlor::__private::Payload<_>>::as_wire(drawing),
                        ::core::result::Result::Ok(()),
                        &drawing.id,
                    );
            }
            /// An event without fields, and with a name of its own.
            #[cfg(unix)]
            pub(crate) fn cleared(&self) {
                self.0
                    .emit(
                        __EverythingOutgoingIndex::Cleared as ::core::primitive::usize,
                        &::parlor::__private::Object {
                            names: &[],
                            values: (),
                        },
                        ::core::result::Result::Ok(()),
                    );
            }
        }
        const _: () = {
            let _ = |_: &EverythingEmitter| {};
            let _ = |
                this: &EverythingEmitter,
                user_id: &::core::primitive::str,
                color: &Color,
                label: &::core::primitive::str|
            this.drawn(user_id, color, label);
            let _ = |this: &EverythingEmitter, user_id: &::core::primitive::str| {
                this.typing(user_id)
            };
            let _ = |this: &EverythingEmitter, home: u32, guests: u32| {
                this.score(home, guests)
            };
            let _ = |this: &EverythingEmitter, user_id: &UserId, x: u32| {
                this.moved(user_id, x)
            };
            let _ = |this: &EverythingEmitter, drawing: &Drawing| this.replaced(drawing);
            #[cfg(unix)]
            let _ = |this: &EverythingEmitter| this.cleared();
        };
        impl ::core::convert::From<::parlor::__private::Emitter> for EverythingEmitter {
            fn from(handle: ::parlor::__private::Emitter) -> Self {
                Self(handle)
            }
        }
        impl ::core::clone::Clone for EverythingEmitter {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for EverythingEmitter {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("EverythingEmitter")
            }
        }
        impl ::parlor::__private::Contract for EverythingEmitter {
            const NAME: &'static ::core::primitive::str = "everything";
            const INCOMING: &'static [&'static ::core::primitive::str] = &[
                "start",
                "draw-shape",
                "validate",
                "replace",
                "count",
                "drawing",
                "join",
                "seen",
                #[cfg(unix)]
                "signal",
                "begin",
            ];
            const OUTGOING: &'static [::parlor::Outgoing] = {
                use ::parlor::__private::NoShape as _;
                let _: fn() -> ::core::option::Option<::parlor::__private::Shape> = ::parlor::__private::ShapeOf::<
                    (),
                >::shape;
                &[
                    ::parlor::Outgoing {
                        name: "drawn",
                        policy: ::parlor::rooms::DeliveryPolicy::Reliable,
                        shape: ::parlor::__private::Shape {
                            digest: 0x1690_82d8_a84c_fbe5,
                            types: &[::parlor::__private::ShapeOf::<Color>::shape],
                        },
                    },
                    ::parlor::Outgoing {
                        name: "typing",
                        policy: ::parlor::rooms::DeliveryPolicy::Volatile,
                        shape: ::parlor::__private::Shape {
                            digest: 0x06d6_52c5_6449_bd19,
                            types: &[],
                        },
                    },
                    ::parlor::Outgoing {
                        name: "score",
                        policy: ::parlor::rooms::DeliveryPolicy::Latest,
                        shape: ::parlor::__private::Shape {
                            digest: 0xde85_9943_55af_e170,
                            types: &[],
                        },
                    },
                    ::parlor::Outgoing {
                        name: "moved",
                        policy: ::parlor::rooms::DeliveryPolicy::Latest,
                        shape: ::parlor::__private::Shape {
                            digest: 0x3549_ea3a_df4c_a1d0,
                            types: &[::parlor::__private::ShapeOf::<UserId>::shape],
                        },
                    },
                    ::parlor::Outgoing {
                        name: "replaced",
                        policy: ::parlor::rooms::DeliveryPolicy::Latest,
                        shape: ::parlor::__private::Shape {
                            digest: 0x914d_e74d_2873_7782,
                            types: &[::parlor::__private::ShapeOf::<Drawing>::shape],
                        },
                    },
                    #[cfg(unix)]
                    ::parlor::Outgoing {
                        name: "all-cleared",
                        policy: ::parlor::rooms::DeliveryPolicy::Reliable,
                        shape: ::parlor::__private::Shape {
                            digest: 0x2166_9768_9686_4bdc,
                            types: &[],
                        },
                    },
                ]
            };
            type Incoming = __EverythingIncoming;
            fn name(event: &__EverythingIncoming) -> &'static ::core::primitive::str {
                match *event {
                    __EverythingIncoming::Start { .. } => "start",
                    __EverythingIncoming::Draw { .. } => "draw-shape",
                    __EverythingIncoming::Validate { .. } => "validate",
                    __EverythingIncoming::Replace { .. } => "replace",
                    __EverythingIncoming::Count { .. } => "count",
                    __EverythingIncoming::Drawing { .. } => "drawing",
                    __EverythingIncoming::Join { .. } => "join",
                    __EverythingIncoming::Seen { .. } => "seen",
                    #[cfg(unix)]
                    __EverythingIncoming::Signal { .. } => "signal",
                    __EverythingIncoming::Begin { .. } => "begin",
                }
            }
            fn typescript() -> ::core::option::Option<
                ::parlor::__private::typescript::Description,
            > {
                let mut description = ::parlor::__private::typescript::Description::new::<
                    Self,
                >("everything", &[" Each option of the macros at least once."]);
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                            "start",
                            &[" An event without fields."],
                        ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "draw-shape",
                                &[
                                    " An event with a name of its own, and fields with options.",
                                ],
                            )
                            .field(
                                "color",
                                ::parlor::__private::typescript::Field::new(
                                    &[" The color."],
                                    <Color as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "strokeWidth",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <u32 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                    )
                                    .default(),
                            )
                            .field(
                                "label",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <Option<
                                            Label,
                                        > as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                    )
                                    .default(),
                            ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "validate",
                                &[" Each rule."],
                            )
                            .field(
                                "name",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <String as ::parlor::__private::HasTypeScript<
                                            _,
                                        >>::typescript(),
                                    )
                                    .rule(::parlor::__private::typescript::Rule::Length {
                                        min: ::core::option::Option::Some(1f64),
                                        max: ::core::option::Option::Some(10f64),
                                    })
                                    .rule(
                                        ::parlor::__private::typescript::Rule::Pattern("^[a-z]+$"),
                                    ),
                            )
                            .field(
                                "age",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <u8 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                    )
                                    .rule(::parlor::__private::typescript::Rule::Range {
                                        min: ::core::option::Option::Some(0f64),
                                        max: ::core::option::Option::Some(
                                            (MAX_AGE) as ::core::primitive::f64,
                                        ),
                                    })
                                    .rule(::parlor::__private::typescript::Rule::Custom),
                            )
                            .field(
                                "email",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <Option<
                                            String,
                                        > as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                    )
                                    .rule(::parlor::__private::typescript::Rule::Email),
                            )
                            .field(
                                "links",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <Vec<
                                            String,
                                        > as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                    )
                                    .rule(
                                        ::parlor::__private::typescript::Rule::Inner(
                                            ::std::vec![
                                                ::parlor::__private::typescript::Rule::Url,
                                                ::parlor::__private::typescript::Rule::Length { min :
                                                ::core::option::Option::Some(20f64), max :
                                                ::core::option::Option::Some(20f64) }
                                            ],
                                        ),
                                    ),
                            )
                            .field(
                                "address",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <Address as ::parlor::__private::HasTypeScript<
                                            _,
                                        >>::typescript(),
                                    )
                                    .rule(::parlor::__private::typescript::Rule::Nested),
                            ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "replace",
                                &[" A whole payload."],
                            )
                            .payload(
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <Drawing as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "count",
                                &[" A call that cannot fail."],
                            )
                            .answer(
                                <u64 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                            ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "drawing",
                                &[" A call whose answer is a user's type."],
                            )
                            .field(
                                "id",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <u64 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            )
                            .answer(
                                <Drawing as ::parlor::__private::HasTypeScript<
                                    _,
                                >>::typescript(),
                            ),
                    );
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "join",
                                &[" A call with a typed error."],
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
                                    Drawing,
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
                                "seen",
                                &[" An event with a default handler."],
                            )
                            .field(
                                "id",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <u64 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            ),
                    );
                #[cfg(unix)]
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new(
                                "signal",
                                &[" An event that exists on Unix only."],
                            )
                            .field(
                                "number",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <i32 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            ),
                    );
                #[allow(non_snake_case)]
                description
                    .incoming(
                        ::parlor::__private::typescript::Event::new("begin", &[])
                            .deprecated("use `start`")
                            .field(
                                "at",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <u64 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            ),
                    );
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                                "drawn",
                                &[" A reliable event."],
                            )
                            .field(
                                "user_id",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <String as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "color",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <Color as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "label",
                                ::parlor::__private::typescript::Field::new(
                                        &[],
                                        <String as ::parlor::__private::HasTypeScript<
                                            _,
                                        >>::typescript(),
                                    )
                                    .rule(::parlor::__private::typescript::Rule::Length {
                                        min: ::core::option::Option::None,
                                        max: ::core::option::Option::Some(20f64),
                                    }),
                            ),
                    );
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                                "typing",
                                &[" A volatile event."],
                            )
                            .field(
                                "user_id",
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
                                "score",
                                &[" Only the newest."],
                            )
                            .field(
                                "home",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <u32 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            )
                            .field(
                                "guests",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <u32 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            ),
                    );
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                                "moved",
                                &[" Only the newest of each user."],
                            )
                            .field(
                                "user_id",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <UserId as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            )
                            .field(
                                "x",
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <u32 as ::parlor::__private::HasTypeScript<_>>::typescript(),
                                ),
                            ),
                    );
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                                "replaced",
                                &[" Only the newest of each drawing."],
                            )
                            .payload(
                                ::parlor::__private::typescript::Field::new(
                                    &[],
                                    <Drawing as ::parlor::__private::HasTypeScript<
                                        _,
                                    >>::typescript(),
                                ),
                            ),
                    );
                #[cfg(unix)]
                description
                    .outgoing(
                        ::parlor::__private::typescript::Event::new(
                            "all-cleared",
                            &[" An event without fields, and with a name of its own."],
                        ),
                    );
                ::core::option::Option::Some(description)
            }
        }
        impl<__Session: Everything> ::parlor::__private::Procedure<__Session>
        for EverythingEmitter {
            fn handle(
                session: &mut __Session,
                event: __EverythingIncoming,
                reply: &mut ::parlor::__private::Reply,
            ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
                async move {
                    let _ = (&session, &reply);
                    match event {
                        __EverythingIncoming::Start => {
                            <__Session as Everything>::start(session).await;
                            reply.none()
                        }
                        __EverythingIncoming::Draw { color, width, label } => {
                            <__Session as Everything>::draw(session, color, width, label)
                                .await;
                            reply.none()
                        }
                        __EverythingIncoming::Validate {
                            name,
                            age,
                            email,
                            links,
                            address,
                        } => {
                            <__Session as Everything>::validate(
                                    session,
                                    name,
                                    age,
                                    email,
                                    links,
                                    address,
                                )
                                .await;
                            reply.none()
                        }
                        __EverythingIncoming::Replace { drawing } => {
                            <__Session as Everything>::replace(session, drawing).await;
                            reply.none()
                        }
                        __EverythingIncoming::Count => {
                            let answer = <__Session as Everything>::count(session).await;
                            reply.value(&answer)
                        }
                        __EverythingIncoming::Drawing { id } => {
                            let answer = <__Session as Everything>::drawing(session, id)
                                .await;
                            reply
                                .value(
                                    <Drawing as ::parlor::__private::Payload<
                                        _,
                                    >>::as_wire(&answer),
                                )
                        }
                        __EverythingIncoming::Join { room } => {
                            let answer = <__Session as Everything>::join(session, room)
                                .await
                                .map(
                                    <Vec<Drawing> as ::parlor::__private::Payload<_>>::into_wire,
                                )
                                .map_err(
                                    <JoinError as ::parlor::__private::Payload<_>>::into_wire,
                                );
                            reply.result(&answer)
                        }
                        __EverythingIncoming::Seen { id } => {
                            <__Session as Everything>::seen(session, id).await;
                            reply.none()
                        }
                        #[cfg(unix)]
                        __EverythingIncoming::Signal { number } => {
                            <__Session as Everything>::signal(session, number).await;
                            reply.none()
                        }
                        #[allow(non_snake_case)]
                        __EverythingIncoming::Begin { at } => {
                            <__Session as Everything>::r#begin(session, at).await;
                            reply.none()
                        }
                    }
                }
            }
            async fn disconnected(
                session: &mut __Session,
                reason: ::parlor::DisconnectReason,
            ) {
                <__Session as Everything>::disconnected(session, reason).await
            }
            async fn detached(session: &mut __Session) {
                <__Session as Everything>::detached(session).await
            }
            async fn resumed(
                session: &mut __Session,
                request: ::parlor::Request,
            ) -> ::core::result::Result<(), ::parlor::Reject> {
                <__Session as Everything>::resumed(session, request).await
            }
        }
    }
    ::parlor::__private::client! {
        impl EverythingClient {
            /// Connects to the procedure at a `ws://` URL with default settings.
            #[allow(clippy::impl_trait_in_params)]
            pub(crate) fn connect(
                url: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> impl ::core::future::Future<
                Output = ::core::result::Result<
                    (EverythingClient, EverythingEvents),
                    ::parlor::client::ConnectError,
                >,
            > + ::core::marker::Send {
                Self::builder(url).connect()
            }
            /// Starts to configure a client for the procedure at a `ws://` URL.
            #[allow(clippy::impl_trait_in_params)]
            pub(crate) fn builder(
                url: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> ::parlor::client::ClientBuilder<EverythingClient> {
                ::parlor::client::ClientBuilder::new(
                    ::core::convert::AsRef::<::core::primitive::str>::as_ref(&url),
                )
            }
            /// Closes the connection. The client does not reconnect.
            pub(crate) fn close(&self) {
                self.0.close();
            }
            /// How the last connection, or attempt to reconnect, ended; `None` before the first end.
            pub(crate) fn last_close(
                &self,
            ) -> ::core::option::Option<::parlor::client::Close> {
                self.0.last_close()
            }
            /// Returns whether the client is connected.
            pub(crate) fn status(&self) -> ::parlor::client::ClientStatus {
                self.0.status()
            }
            /// An event without fields.
            pub(crate) fn start(
                &self,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                self.0
                    .emit(
                        "start",
                        &::parlor::__private::Object {
                            names: &[],
                            values: (),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
            /// An event with a name of its own, and fields with options.
            pub(crate) fn draw(
                &self,
                color: &Color,
                width: u32,
                label: &Option<Label>,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                self.0
                    .emit(
                        "draw-shape",
                        &::parlor::__private::Object {
                            names: &["color", "strokeWidth", "label"],
                            values: (
                                <Color as ::parlor::__private::Payload<_>>::as_wire(color),
                                &width,
                                <Option<
                                    Label,
                                > as ::parlor::__private::Payload<_>>::as_wire(label),
                            ),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
            /// Each rule.
            #[allow(clippy::impl_trait_in_params)]
            pub(crate) fn validate(
                &self,
                name: impl ::core::convert::AsRef<::core::primitive::str>,
                age: u8,
                email: &Option<String>,
                links: &Vec<String>,
                address: &Address,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                let name = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&name);
                self.0
                    .emit(
                        "validate",
                        &::parlor::__private::Object {
                            names: &["name", "age", "email", "links", "address"],
                            values: (
                                name,
                                &age,
                                email,
                                links,
                                <Address as ::parlor::__private::Payload<
                                    _,
                                >>::as_wire(address),
                            ),
                        },
                        __EverythingValidation::incoming_validate(
                            name,
                            &age,
                            email,
                            links,
                            address,
                        ),
                    )
            }
            /// A whole payload.
            pub(crate) fn replace(
                &self,
                drawing: &Drawing,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                self.0
                    .emit(
                        "replace",
                        <Drawing as ::parlor::__private::Payload<_>>::as_wire(drawing),
                        ::core::result::Result::Ok(()),
                    )
            }
            /// A call that cannot fail.
            pub(crate) fn count(
                &self,
            ) -> ::parlor::client::Call<u64, ::core::convert::Infallible> {
                self.0
                    .call::<
                        _,
                        ::core::convert::Infallible,
                        _,
                    >(
                        "count",
                        &::parlor::__private::Object {
                            names: &[],
                            values: (),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
            /// A call whose answer is a user's type.
            pub(crate) fn drawing(
                &self,
                id: u64,
            ) -> ::parlor::client::Call<Drawing, ::core::convert::Infallible> {
                <Drawing as ::parlor::__private::Payload<
                    _,
                >>::answer_from_wire(
                    self
                        .0
                        .call::<
                            _,
                            ::core::convert::Infallible,
                            _,
                        >(
                            "drawing",
                            &::parlor::__private::Object {
                                names: &["id"],
                                values: (&id,),
                            },
                            ::core::result::Result::Ok(()),
                        ),
                )
            }
            /// A call with a typed error.
            #[allow(clippy::impl_trait_in_params)]
            pub(crate) fn join(
                &self,
                room: impl ::core::convert::AsRef<::core::primitive::str>,
            ) -> ::parlor::client::Call<Vec<Drawing>, JoinError> {
                let room = ::core::convert::AsRef::<
                    ::core::primitive::str,
                >::as_ref(&room);
                <Vec<
                    Drawing,
                > as ::parlor::__private::Payload<
                    _,
                >>::answer_from_wire(
                    <JoinError as ::parlor::__private::Payload<
                        _,
                    >>::error_from_wire(
                        self
                            .0
                            .call(
                                "join",
                                &::parlor::__private::Object {
                                    names: &["room"],
                                    values: (room,),
                                },
                                ::core::result::Result::Ok(()),
                            ),
                    ),
                )
            }
            /// An event with a default handler.
            pub(crate) fn seen(
                &self,
                id: u64,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                self.0
                    .emit(
                        "seen",
                        &::parlor::__private::Object {
                            names: &["id"],
                            values: (&id,),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
            /// An event that exists on Unix only.
            #[cfg(unix)]
            pub(crate) fn signal(
                &self,
                number: i32,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                self.0
                    .emit(
                        "signal",
                        &::parlor::__private::Object {
                            names: &["number"],
                            values: (&number,),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
            /// Sends `begin`.
            #[allow(non_snake_case)]
            #[deprecated(note = "use `start`")]
            pub(crate) fn r#begin(
                &self,
                at: u64,
            ) -> ::core::result::Result<(), ::parlor::client::EmitError> {
                self.0
                    .emit(
                        "begin",
                        &::parlor::__private::Object {
                            names: &["at"],
                            values: (&at,),
                        },
                        ::core::result::Result::Ok(()),
                    )
            }
        }
        const _: () = {
            let _ = |this: &EverythingClient| this.start();
            let _ = |
                this: &EverythingClient,
                color: &Color,
                width: u32,
                label: &Option<Label>|
            this.draw(color, width, label);
            let _ = |
                this: &EverythingClient,
                name: &::core::primitive::str,
                age: u8,
                email: &Option<String>,
                links: &Vec<String>,
                address: &Address|
            this.validate(name, age, email, links, address);
            let _ = |this: &EverythingClient, drawing: &Drawing| this.replace(drawing);
            let _ = |this: &EverythingClient| this.count();
            let _ = |this: &EverythingClient, id: u64| this.drawing(id);
            let _ = |this: &EverythingClient, room: &::core::primitive::str| {
                this.join(room)
            };
            let _ = |this: &EverythingClient, id: u64| this.seen(id);
            #[cfg(unix)]
            let _ = |this: &EverythingClient, number: i32| this.signal(number);
        };
        impl ::core::convert::From<::parlor::__private::Client> for EverythingClient {
            fn from(handle: ::parlor::__private::Client) -> Self {
                Self(handle)
            }
        }
        impl ::core::clone::Clone for EverythingClient {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }
        impl ::core::fmt::Debug for EverythingClient {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str("EverythingClient")
            }
        }
        impl ::parlor::__private::ClientHandle for EverythingClient {
            type Event = EverythingEvent;
        }
        impl ::parlor::__private::Events for EverythingEvent {
            fn decode<'de, __D: ::parlor::__private::Deserializer<'de>>(
                name: &::core::primitive::str,
                payload: __D,
            ) -> ::core::result::Result<
                Self,
                ::parlor::__private::DecodeError<__D::Error>,
            > {
                match name {
                    "drawn" => {
                        let (user_id, color, label) = ::parlor::__private::decode_fields::<
                            (
                                String,
                                <Color as ::parlor::__private::Payload<_>>::This,
                                String,
                            ),
                            __D,
                        >(payload, &["user_id", "color", "label"])?;
                        let color = <Color as ::parlor::__private::Payload<
                            _,
                        >>::from_wire(color);
                        ::core::result::Result::Ok(Self::Drawn {
                            user_id,
                            color,
                            label,
                        })
                    }
                    "typing" => {
                        let (user_id,) = ::parlor::__private::decode_fields::<
                            (String,),
                            __D,
                        >(payload, &["user_id"])?;
                        ::core::result::Result::Ok(Self::Typing { user_id })
                    }
                    "score" => {
                        let (home, guests) = ::parlor::__private::decode_fields::<
                            (u32, u32),
                            __D,
                        >(payload, &["home", "guests"])?;
                        ::core::result::Result::Ok(Self::Score { home, guests })
                    }
                    "moved" => {
                        let (user_id, x) = ::parlor::__private::decode_fields::<
                            (<UserId as ::parlor::__private::Payload<_>>::This, u32),
                            __D,
                        >(payload, &["user_id", "x"])?;
                        let user_id = <UserId as ::parlor::__private::Payload<
                            _,
                        >>::from_wire(user_id);
                        ::core::result::Result::Ok(Self::Moved { user_id, x })
                    }
                    "replaced" => {
                        let drawing = ::parlor::__private::decode_payload::<
                            <Drawing as ::parlor::__private::Payload<_>>::This,
                            __D,
                        >(payload)?;
                        let drawing = <Drawing as ::parlor::__private::Payload<
                            _,
                        >>::from_wire(drawing);
                        ::core::result::Result::Ok(Self::Replaced(drawing))
                    }
                    #[cfg(unix)]
                    "all-cleared" => {
                        ::parlor::__private::decode_fields::<(), __D>(payload, &[])?;
                        ::core::result::Result::Ok(Self::Cleared)
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
            let _ = |received: EverythingEvent| match received {
                EverythingEvent::Drawn { user_id, color, label } => {
                    let _ = (&user_id, &color, &label);
                }
                EverythingEvent::Typing { user_id } => {
                    let _ = (&user_id,);
                }
                EverythingEvent::Score { home, guests } => {
                    let _ = (&home, &guests);
                }
                EverythingEvent::Moved { user_id, x } => {
                    let _ = (&user_id, &x);
                }
                EverythingEvent::Replaced(drawing) => {
                    let _ = (&drawing,);
                }
                #[cfg(unix)]
                EverythingEvent::Cleared => {
                    let _ = ();
                }
                _ => {}
            };
        };
        impl ::core::convert::From<::parlor::client::ConnectionChange>
        for EverythingEvent {
            fn from(change: ::parlor::client::ConnectionChange) -> Self {
                Self::Connection(change)
            }
        }
        impl ::core::fmt::Debug for EverythingEvent {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self {
                    Self::Drawn { .. } => f.write_str("Drawn { .. }"),
                    Self::Typing { .. } => f.write_str("Typing { .. }"),
                    Self::Score { .. } => f.write_str("Score { .. }"),
                    Self::Moved { .. } => f.write_str("Moved { .. }"),
                    Self::Replaced(..) => f.write_str("Replaced(..)"),
                    #[cfg(unix)]
                    Self::Cleared => f.write_str("Cleared"),
                    Self::Connection(change) => {
                        f.debug_tuple("Connection").field(change).finish()
                    }
                }
            }
        }
    }
    ::parlor::__private::without_server! {
        const _ : () = { struct __Used; impl < __Session : Everything >
        ::core::cmp::PartialEq < __Session > for __Used { fn eq(& self, _ : & __Session)
        -> ::core::primitive::bool { let _ = < __Session as Everything > ::start; let _ =
        < __Session as Everything > ::draw; let _ = < __Session as Everything >
        ::validate; let _ = < __Session as Everything > ::replace; let _ = < __Session as
        Everything > ::count; let _ = < __Session as Everything > ::drawing; let _ = <
        __Session as Everything > ::join; let _ = < __Session as Everything > ::seen;
        #[cfg(unix)] let _ = < __Session as Everything > ::signal; let _ = < __Session as
        Everything > ::r#begin; let _ = < __Session as Everything > ::disconnected; let _
        = < __Session as Everything > ::detached; let _ = < __Session as Everything >
        ::resumed; false } } let _ = __Used; };
    }
};
#[derive(::parlor::__private::serde::Serialize, ::parlor::__private::serde::Deserialize)]
#[derive(::parlor::__private::ts_rs::TS)]
#[serde(crate = ":: parlor :: __private :: serde")]
#[serde(rename_all = "camelCase")]
#[ts(crate = ":: parlor :: __private :: ts_rs")]
#[ts(optional_fields = nullable)]
/// A drawing.
#[derive(Debug, Clone)]
pub(crate) struct Drawing {
    pub(crate) id: u64,
    #[ts(
        as = "< UserId as :: parlor :: __private :: HasTypeScript < :: parlor :: __private :: infer ! () >> :: This"
    )]
    pub(crate) created_by: UserId,
    #[ts(as = ":: parlor :: __private :: Directed < Option < String > , 's' , 'v' >")]
    #[ts(optional = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
}
#[automatically_derived]
impl ::parlor::__private::HasShape for Drawing {
    const SHAPE: ::parlor::__private::Shape = {
        use ::parlor::__private::NoShape as _;
        let _: fn() -> ::core::option::Option<::parlor::__private::Shape> = ::parlor::__private::ShapeOf::<
            (),
        >::shape;
        ::parlor::__private::Shape {
            digest: 0xad78_06ba_b063_bae3,
            types: &[::parlor::__private::ShapeOf::<UserId>::shape],
        }
    };
}
#[derive(::parlor::__private::serde::Serialize, ::parlor::__private::serde::Deserialize)]
#[serde(crate = ":: parlor :: __private :: serde")]
#[serde(rename_all = "camelCase")]
#[serde(rename_all_fields = "camelCase")]
/// Why a user cannot join.
pub(crate) enum JoinError {
    RoomIsFull,
    Denied { denied_by: String },
}
#[automatically_derived]
impl ::parlor::__private::HasShape for JoinError {
    const SHAPE: ::parlor::__private::Shape = {
        use ::parlor::__private::NoShape as _;
        let _: fn() -> ::core::option::Option<::parlor::__private::Shape> = ::parlor::__private::ShapeOf::<
            (),
        >::shape;
        ::parlor::__private::Shape {
            digest: 0x806f_cf07_9d2f_f928,
            types: &[],
        }
    };
}
