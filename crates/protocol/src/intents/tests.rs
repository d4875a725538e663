use model::Span;

use super::*;

fn intent(epoch: u64, n: u64) -> Intent {
    let (pool, target) = (PoolId::from_number(1), MemberId::from_number(2));
    Intent { pool, epoch, nonce: Nonce::from_u64(n), target, cause: "down".into() }
}

fn anna() -> ConsoleId {
    ConsoleId::from_number(1)
}

#[test]
fn no_more_than_eight_are_open_and_a_closed_one_makes_room() {
    let mut intents = Intents::default();
    for n in 0..8 {
        assert_eq!(intents.put(anna(), intent(5, n), Time::ZERO), Put::Stored);
    }
    assert!(matches!(intents.put(anna(), intent(5, 8), Time::ZERO), Put::Refused(_)));
    assert_eq!(intents.put(anna(), intent(5, 3), Time::ZERO), Put::Known, "a repeated one needs no room");
    assert!(intents.close(PoolId::from_number(1), Nonce::from_u64(3)));
    assert!(!intents.close(PoolId::from_number(1), Nonce::from_u64(3)));
    assert_eq!(intents.put(anna(), intent(5, 8), Time::ZERO), Put::Stored);
}

#[test]
fn what_is_out_of_bounds_is_not_kept() {
    let mut intents = Intents::default();
    let long = Intent { cause: "c".repeat(limits::NAME_BYTES_MAX + 1), ..intent(5, 1) };
    assert!(matches!(intents.put(anna(), long, Time::ZERO), Put::Refused(_)));
    assert!(matches!(intents.put(anna(), intent(u64::MAX, 1), Time::ZERO), Put::Refused(_)));
    assert!(intents.is_empty());
}

#[test]
fn the_age_goes_on_over_a_restart() {
    let mut intents = Intents::default();
    intents.put(anna(), intent(5, 1), Time::from_ms(1_000));
    let kept = intents.kept(Time::from_ms(4_000));
    let rebooted = Intents::restored(kept, Time::from_ms(50), false);
    let age = rebooted.open(Time::from_ms(50) + Span::from_s(2))[0].age_ms;
    assert_eq!(age, 5_000);
}
