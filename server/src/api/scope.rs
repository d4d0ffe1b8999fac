//! What a caller may see, as a part of the question itself.
//!
//! Invariant: a question that leaves here asks for nothing outside the caller's facilities; what a
//! record says of itself decides, never what the question says.

use shoseki_engine::log::Entry;
use shoseki_engine::query::Filter;
use shoseki_engine::record::Body;

use crate::identity::{Caller, Facilities};
use crate::problem::{ErrorCode, Problem};

/// Narrows a filter to what the caller may see.
///
/// # Errors
/// [`ErrorCode::ForbiddenFacility`] where it asks for another facility by name.
pub fn narrow(caller: &Caller, filter: &mut Filter) -> Result<(), Problem> {
    let Facilities::Only(names) = &caller.facilities else { return Ok(()) };
    if filter.facility_id.iter().any(|asked| !names.contains(asked)) {
        let detail = "facility_id: expected a facility that you may see";
        return Err(Problem::new(ErrorCode::ForbiddenFacility, detail));
    }
    filter.facility_scope = Some(names.iter().cloned().collect());
    Ok(())
}

/// Whether the caller may see an entry that was found by its id or seq. What can't be read, and
/// what was erased, says of no facility that it belongs there.
#[must_use]
pub fn sees(caller: &Caller, entry: &Entry) -> bool {
    if caller.facilities.is_all() {
        return true;
    }
    let Entry::Record(record) = entry else { return false };
    let body = Body::parse(record.body());
    body.is_ok_and(|body| caller.facilities.has(body.facility_id().as_deref()))
}
