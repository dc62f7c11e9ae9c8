//! One suite over all engines of the backplane: what `parlor::backplane::Backplane` and `Link` promise.

mod delivery;
mod order;
mod restart;
mod setup;
mod topics;

mod loss;
mod slow;

/// Defines tests with a setup of one engine, from functions of these modules.
macro_rules! tests {
    ($engine:expr, $($module:ident: $($test:ident)*;)*) => {$($(
        #[tokio::test]
        async fn $test() {
            if let Some(setup) = $engine.start(&[]).await {
                Box::pin(crate::$module::$test(setup)).await;
            }
        }
    )*)*};
}

macro_rules! tests_of_any_engine {
    ($engine:expr) => {
        tests! {
            $engine,
            delivery:
                links_receive_each_others_parcels_and_their_own
                parcels_of_1_byte_and_of_the_largest_size_are_delivered
                parcels_of_one_call_are_delivered_in_their_order
                nothing_is_delivered_from_topics_without_subscription
                subscriptions_are_made_while_parcels_are_published
                full_inbox_stops_no_link
                dropped_link_delivers_nothing_more;
            order:
                random_publishers_keep_their_order
                control_parcels_follow_large_ones;
            restart:
                ended_broker_is_named_by_lost_links_and_failed_calls
                broker_that_is_not_there_is_named
                restarted_broker_has_another_incarnation_and_works
                links_of_one_broker_have_one_incarnation;
            topics:
                parcel_published_after_a_subscription_is_delivered
                each_of_1000_topics_of_one_call_is_subscribed
                unsubscribed_topics_deliver_no_more_and_others_still_do
                topic_that_is_subscribed_again_delivers_again
                names_of_topics_have_any_characters
                calls_without_topics_or_parcels_do_nothing;
        }
    };
}

macro_rules! tests_of_an_engine_with_a_broker {
    ($engine:expr) => {
        tests! {
            $engine,
            loss:
                connection_that_is_refused_or_closed_at_once_is_named
                links_behind_a_proxy_have_the_same_incarnation
                reset_connections_are_lost_links
                parcel_cut_on_its_way_from_the_broker_is_not_delivered
                parcel_cut_on_its_way_to_the_broker_is_not_delivered
                subscription_of_a_connection_that_is_reset_fails
                publication_of_a_connection_that_is_reset_ends
                dropped_link_closes_its_connections
                dropped_attempt_to_connect_closes_its_connections
                stopped_broker_that_continues_delivers;
            slow:
                slow_subscriber_delays_no_other
                subscriber_that_the_broker_closes_as_too_slow_is_lost;
        }
    };
}

mod memory {
    tests_of_any_engine!(crate::setup::Engine::Memory);
}

mod redis {
    tests_of_any_engine!(crate::setup::Engine::Redis);
    tests_of_an_engine_with_a_broker!(crate::setup::Engine::Redis);
}

mod nats {
    tests_of_any_engine!(crate::setup::Engine::Nats);
    tests_of_an_engine_with_a_broker!(crate::setup::Engine::Nats);
}
