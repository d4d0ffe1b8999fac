//! Cursors: there and back, and refused where they don't belong.

use proptest::prelude::*;

use super::samples;
use crate::query::*;
use crate::types::Seq;

const SORTS: [Sort; 4] = [
    Sort { by: SortBy::Time, order: Order::Ascending },
    Sort { by: SortBy::Time, order: Order::Descending },
    Sort { by: SortBy::Seq, order: Order::Ascending },
    Sort { by: SortBy::Seq, order: Order::Descending },
];

fn sort() -> impl Strategy<Value = Sort> {
    proptest::sample::select(&SORTS[..])
}

proptest! {
    #[test]
    fn a_cursor_comes_back_from_its_text(
        filter in samples::filter(), order in sort(), time in any::<i64>(), seq in any::<u64>(),
    ) {
        let cursor = Cursor::behind(&filter, order, time, Seq(seq));
        let text = cursor.to_string();
        prop_assert_eq!(text.len(), 40);
        let parsed: Cursor = text.parse().unwrap();
        prop_assert_eq!(parsed, cursor);
        prop_assert_eq!(parsed.position(&filter, order), Ok((time, Seq(seq))));
    }

    #[test]
    fn another_filter_or_order_is_refused(
        a in samples::filter(), b in samples::filter(), order in sort(),
    ) {
        let cursor = Cursor::behind(&a, order, 1, Seq(2));
        for other in SORTS.into_iter().filter(|other| *other != order) {
            prop_assert_eq!(cursor.position(&a, other), Err(CursorError::OtherOrder));
        }
        let same = cursor.position(&b, order).is_ok();
        prop_assert!(a != b || same);
        // Values may stand in another order or twice; nothing else makes two filters one.
        let shape = |f: &Filter| {
            let scope = f.facility_scope.is_some();
            (f.from, f.to, f.pii_flag, f.words.is_empty(), scope, f.not_ingested_by.is_empty())
        };
        prop_assert!(!same || shape(&a) == shape(&b));
    }

    #[test]
    fn any_other_text_is_no_cursor(text in ".{0,50}", at in 0_usize..40, to in "[A-Za-z0-9_-]") {
        prop_assert!(text.parse::<Cursor>().is_err());
        let whole = Cursor::behind(&Filter::default(), Order::Descending, 5, Seq(9)).to_string();
        let mut changed = whole.clone();
        changed.replace_range(at..=at, &to);
        prop_assert_eq!(changed.parse::<Cursor>().is_ok(), changed == whole);
        prop_assert_eq!(whole[..at].parse::<Cursor>(), Err(CursorError::Malformed));
    }
}

#[test]
fn values_are_a_set_and_fields_do_not_mix() {
    let accepts = |a: &Filter, b: &Filter| {
        Cursor::behind(a, Order::Ascending, 0, Seq(0)).position(b, Order::Ascending).is_ok()
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let actors = |list: &[&str]| Filter { actor_id: ids(list), ..Filter::default() };
    assert!(accepts(&actors(&["a", "b"]), &actors(&["b", "a", "a"])));
    assert!(!accepts(&actors(&["a", "b"]), &actors(&["ab"])));
    assert!(!accepts(&actors(&["a"]), &Filter { facility_id: ids(&["a"]), ..Filter::default() }));
    let trace = |text: &str| Filter { trace_id: ids(&[text]), ..Filter::default() };
    let (lower, upper) = (trace(&"ab".repeat(16)), trace(&"AB".repeat(16)));
    assert!(accepts(&lower, &upper) && !accepts(&trace("t"), &trace("T")));
    let detail = |text: &str| Filter {
        detail: vec![DetailFilter::parse(text).unwrap()],
        ..Filter::default()
    };
    assert!(accepts(&detail("a.b=1"), &detail("a.b=1")));
    assert!(!accepts(&detail("a.b=1"), &detail("b.a=1")));
    assert!(!accepts(&detail("a.b=1"), &detail("a\\.b=1")));
    let time = |nanos| crate::record::Timestamp::from_unix_nanos(nanos);
    let others = [
        Filter::default(),
        Filter { ingested_by: ids(&["a"]), ..Filter::default() },
        Filter { not_ingested_by: ids(&["a"]), ..Filter::default() },
        Filter { facility_scope: Some(ids(&["a"])), ..Filter::default() },
        Filter { facility_scope: Some(Vec::new()), ..Filter::default() },
        Filter { received_from: time(5), ..Filter::default() },
        Filter { received_to: time(5), ..Filter::default() },
        Filter { after_seq: Some(Seq(5)), ..Filter::default() },
        Filter { detail: vec![DetailFilter::run(ids(&["a"]))], ..Filter::default() },
        Filter {
            detail: vec![DetailFilter { target_type: None, ..DetailFilter::run(ids(&["a"])) }],
            ..Filter::default()
        },
    ];
    for (a, at) in others.iter().zip(0..) {
        for (b, other) in others.iter().zip(0..) {
            assert_eq!(accepts(a, b), at == other, "{a:?} {b:?}");
        }
    }
    let action = |pattern| Filter { action: vec![pattern], ..Filter::default() };
    let exact = action(ActionPattern::Exact("A".to_owned()));
    assert!(!accepts(&exact, &action(ActionPattern::Prefix("A".to_owned()))));
}

#[test]
fn the_text_of_a_cursor_stays() {
    let filter = Filter { actor_id: vec!["a".to_owned()], ..Filter::default() };
    let cursor = Cursor::behind(&filter, Order::Descending, -2, Seq(3));
    assert_eq!(cursor.to_string(), "AQH-_________wMAAAAAAAAAIYTEXd_HwKSXamoa");
}
