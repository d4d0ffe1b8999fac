//! The published register of error codes.
//!
//! Invariant: a code never changes its meaning; the table is the only place where codes are made.

use http::StatusCode;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident, $title:literal;)+) => {
        /// What went wrong, for programs: `<AREA>-<HTTP>[-<reason>]`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum ErrorCode { $($(#[$doc])* $name),+ }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As it stands in `errorCode`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The status of the answer.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// `title` of the problem: the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

codes! {
    /// Not JSON, or not UTF-8.
    RequestNotJson = "REQUEST-400-json", BAD_REQUEST, "The body is not JSON";
    /// A parameter that is unknown, empty or can't be.
    RequestParameter = "REQUEST-400-parameter", BAD_REQUEST, "A parameter is not valid";
    /// A header that can't be.
    RequestHeader = "REQUEST-400-header", BAD_REQUEST, "A header is not valid";
    /// The body can't be decompressed, or did not come whole.
    RequestBody = "REQUEST-400-body", BAD_REQUEST, "The body could not be read";
    /// A cursor that belongs to another query, or none.
    RequestCursor = "REQUEST-400-cursor", BAD_REQUEST, "The cursor does not belong to this query";
    /// A cursor of an earlier key or authority.
    CursorGone = "REQUEST-410-cursor", GONE, "The cursor is no longer valid";
    /// No authentication, or one that does not hold.
    Unauthenticated = "AUTH-401", UNAUTHORIZED, "Authentication is needed";
    /// Too many failed authentications from one source.
    AuthLimited = "AUTH-429", TOO_MANY_REQUESTS, "Too many failed authentications";
    /// The role does not allow it.
    ForbiddenRole = "AUTHZ-403-role", FORBIDDEN, "Not allowed for this role";
    /// The facility is outside of what the caller may see.
    ForbiddenFacility = "AUTHZ-403-facility", FORBIDDEN, "Not allowed for this facility";
    /// The role may not be used from this network.
    ForbiddenNetwork = "AUTHZ-403-network", FORBIDDEN, "Not allowed from this network";
    /// A name that only the server uses.
    ReservedName = "RECORD-403-reserved", FORBIDDEN, "The name is reserved for the server";
    /// Nothing here, or nothing for this caller.
    NotFound = "REQUEST-404", NOT_FOUND, "Nothing was found here";
    /// Not with this method.
    MethodNotAllowed = "REQUEST-405", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// Not in a form that the client takes.
    NotAcceptable = "REQUEST-406", NOT_ACCEPTABLE, "No form of the answer is acceptable";
    /// The body did not come in time.
    BodyTimeout = "REQUEST-408", REQUEST_TIMEOUT, "The body did not come in time";
    /// The same `audit_id` with other content.
    Conflict = "RECORD-409-conflict", CONFLICT, "The same audit_id was used for other content";
    /// The body, or what it decompresses to, is too long.
    BodyTooLarge = "REQUEST-413-length", PAYLOAD_TOO_LARGE, "The body is too long";
    /// More records than one request may hold.
    TooManyRecords = "REQUEST-413-count", PAYLOAD_TOO_LARGE, "Too many records in one request";
    /// The query string is too long.
    UriTooLong = "REQUEST-414", URI_TOO_LONG, "The query is too long";
    /// Neither JSON nor NDJSON.
    MediaType = "REQUEST-415-type", UNSUPPORTED_MEDIA_TYPE, "The content type is not supported";
    /// Neither gzip nor zstd.
    Encoding = "REQUEST-415-encoding", UNSUPPORTED_MEDIA_TYPE, "The encoding is not supported";
    /// Records that are not valid.
    InvalidRecords = "RECORD-422", UNPROCESSABLE_ENTITY, "Records are not valid";
    /// Something in the body, records aside, is not valid.
    InvalidRequest = "REQUEST-422", UNPROCESSABLE_ENTITY, "The request is not valid";
    /// Asked more often than allowed.
    TooManyRequests = "SERVER-429", TOO_MANY_REQUESTS, "Too many requests";
    /// The server is at fault.
    Internal = "SERVER-500", INTERNAL_SERVER_ERROR, "The server failed";
    /// What is stored is damaged.
    Damaged = "LOG-500-damaged", INTERNAL_SERVER_ERROR, "Stored evidence is damaged";
    /// More is waiting than can be taken.
    Busy = "SERVER-503-busy", SERVICE_UNAVAILABLE, "The server has too much to do";
    /// The log takes no records.
    LogStopped = "LOG-503-stopped", SERVICE_UNAVAILABLE, "The log takes no records";
    /// The server is about to end.
    Closing = "SERVER-503-closing", SERVICE_UNAVAILABLE, "The server is shutting down";
    /// A question took too long.
    QueryTimeout = "QUERY-503-timeout", SERVICE_UNAVAILABLE, "The question took too long";
    /// The self-audit of an access can't be written.
    AuditFailed = "AUDIT-503", SERVICE_UNAVAILABLE, "The access can't be recorded";
    /// The disk is full.
    DiskFull = "LOG-507", INSUFFICIENT_STORAGE, "The disk is full";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_carry_their_status() {
        let mut seen = std::collections::BTreeSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            let status = code.as_str().split('-').nth(1).map(str::to_owned);
            assert_eq!(status, Some(code.status().as_str().to_owned()), "{}", code.as_str());
        }
    }
}
