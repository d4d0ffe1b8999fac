//! Tests of the auditor's parts. Whole logs are tampered with in the package of the tests.
