//! What a refusal at the door is to the client.
//!
//! Invariant: the order of the checks and their codes are those of SERVER.md 1.

use super::error::DoorError;
use crate::problem::{ErrorCode, FaultItem, Problem};

impl From<DoorError> for Problem {
    fn from(error: DoorError) -> Self {
        let detail = error.to_string();
        match error {
            DoorError::NotJson { .. } => Self::new(ErrorCode::RequestNotJson, detail),
            DoorError::TooMany { .. } => Self::new(ErrorCode::TooManyRecords, detail),
            DoorError::Empty => Self::new(ErrorCode::InvalidRecords, detail),
            DoorError::Invalid(faults) => {
                let detail = "records are not valid: nothing was stored";
                let errors = faults.into_iter().map(FaultItem::from).collect();
                Self::new(ErrorCode::InvalidRecords, detail).with_errors(errors)
            }
            DoorError::Reserved { index, .. } => Self::new(ErrorCode::ReservedName, detail)
                .with_errors(vec![FaultItem { index: Some(index), ..FaultItem::default() }]),
            DoorError::Facility { index } => Self::new(ErrorCode::ForbiddenFacility, detail)
                .with_errors(vec![FaultItem { index: Some(index), ..FaultItem::default() }]),
        }
    }
}
