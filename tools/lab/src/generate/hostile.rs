//! Records that hurt: every kind of text and number that has broken a reader somewhere.
//!
//! Invariant: every record is valid by CONTRACT 1.1, so a round trip must give it back exactly.

use std::io::Write;

use shoseki_engine::record::{
    ActorType, AuditId, Detail, Limits, Outcome, Record, Sensitivity, Timestamp, write_json_string,
};

use super::rng::Rng;

/// Numbers that a reader must not evaluate.
const NUMBERS: [&str; 18] = [
    "-0",
    "0",
    "-0.0",
    "1E+2",
    "1e400",
    "-1e400",
    "1e-400",
    "1.10",
    "0.1000000000000000055511151231257827",
    "9007199254740993",
    "-9007199254740993",
    "12345678901234567",
    "18446744073709551616",
    "-9223372036854775809",
    "1234567890123456789012345678901234567890",
    "3.14159265358979323846264338327950288419716939937510",
    "1e0000000000000000000000001",
    "2.2250738585072011e-308",
];

/// String tokens as they may stand in `detail`, escapes included.
const TOKENS: [&str; 16] = [
    r#""""#,
    r#""\" \\ \/ \b \f \n \r \t""#,
    r#""\u0000\u001f\u007f""#,
    r#""\u000a\u000A\u000D""#,
    r#""\ud800""#,
    r#""\udfff\ud800""#,
    r#""\uD83D\uDE00""#,
    r#""\ud840\udc0b""#,
    r#""\u0041\u00e9\u3042""#,
    r#""\/\u002f/""#,
    r#""\u2028\u2029""#,
    r#""\ufeff""#,
    r#""\ufffe\uffff""#,
    r#""\u202egpj.exe""#,
    r#""<script>alert(1)</script>""#,
    r#""=cmd|' /C calc'!A0""#,
];

/// Text for the members themselves: no lone surrogates there, but everything else.
const TEXTS: [&str; 22] = [
    "",
    " ",
    "\0",
    "\u{1}\u{1f}\u{7f}\u{80}\u{9f}",
    "\"\\/\u{8}\u{c}\n\r\t",
    "\r\n",
    "𠀋𠂉𠂢𪘂𠮷",
    "葛󠄀葛󠄁",
    "か\u{3099}が",
    "Å\u{212b}A\u{30a}",
    "ﬁ ｆｕｌｌ ㍿ ﾊﾟ",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦",
    "\u{feff}bom",
    "\u{202e}gpj.exe",
    "\u{fffe}\u{ffff}\u{10ffff}",
    "null",
    "+1-1",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "'; DROP TABLE audit; --",
    "../../../../etc/passwd",
    ",\"seq\":7,\"hash\":\"00\"}",
    "{\"audit_id\":\"x\"}",
];

/// Deepest nesting of `detail` that CONTRACT 1.1 allows.
const DEPTH_MAX: u64 = 64;

/// `n` valid records full of hostile text; `naughty` adds the caller's own strings.
#[must_use]
pub fn hostile(seed: u64, n: u64, naughty: &[String]) -> Hostile {
    let texts = TEXTS.iter().map(|text| (*text).to_owned()).chain(naughty.iter().cloned());
    Hostile { rng: Rng::new(seed), left: n, made: 0, texts: texts.collect() }
}

/// The records of [`hostile`].
#[derive(Debug)]
pub struct Hostile {
    rng: Rng,
    left: u64,
    made: u64,
    texts: Vec<String>,
}

impl Iterator for Hostile {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.left = self.left.checked_sub(1)?;
        self.made += 1;
        // Every text is an actor once before chance takes over.
        let turn = usize::try_from(self.made - 1).unwrap_or(usize::MAX);
        let actor = match self.texts.get(turn) {
            Some(text) if !text.is_empty() => text.clone(),
            _ => self.some_text(),
        };
        let kind = *self.rng.pick(ActorType::ALL);
        let outcome = *self.rng.pick(Outcome::ALL);
        let action = self.some_text();
        let mut record = Record::new(self.time(), kind, actor, action, outcome);
        record.audit_id = Some(AuditId::from_bytes(self.rng.bytes()));
        record.actor_role = self.maybe();
        record.target_type = self.maybe();
        record.target_id = self.maybe();
        record.request_id = self.maybe();
        record.trace_id = self.maybe();
        record.facility_id = self.maybe();
        record.source_ip = self.source_ip();
        record.pii_flag = self.rng.once_in(2);
        record.sensitivity = *self.rng.pick(Sensitivity::ALL);
        record.detail = self.detail();
        Some(record)
    }
}

impl Hostile {
    fn any_text(&mut self) -> String {
        self.rng.pick(&self.texts).clone()
    }

    fn some_text(&mut self) -> String {
        let text = self.any_text();
        if text.is_empty() { "\u{0}".to_owned() } else { text }
    }

    fn maybe(&mut self) -> Option<String> {
        if self.rng.once_in(3) { None } else { Some(self.any_text()) }
    }

    /// At the limit of 255 bytes now and then.
    fn source_ip(&mut self) -> Option<String> {
        match self.rng.below(4) {
            0 => None,
            1 => Some("𠮷".repeat(63) + "abc"),
            _ => Some(self.any_text()).filter(|text| text.len() <= Record::SOURCE_IP_LEN_MAX),
        }
    }

    /// Any time that there is, with 0, 3, 6 or 9 digits behind the second.
    fn time(&mut self) -> Timestamp {
        let unit = *self.rng.pick(&[1_000_000_000, 1_000_000, 1_000, 1_u64]);
        let last = u64::try_from(Timestamp::MAX.unix_nanos()).unwrap_or(0);
        let nanos = self.rng.below(last / unit + 1) * unit;
        let time = i64::try_from(nanos).ok().and_then(Timestamp::from_unix_nanos);
        time.unwrap_or(Timestamp::MIN)
    }

    fn detail(&mut self) -> Option<Detail> {
        let mut text = Vec::new();
        match self.rng.below(8) {
            0 => return None,
            1 => text.extend_from_slice(b"{}"),
            2 => self.deep(&mut text),
            3 => self.wide(&mut text),
            _ => self.object(&mut text, 3),
        }
        Detail::parse(&text, &Limits::default()).ok()
    }

    /// Nested to the limit, by turns objects and arrays.
    fn deep(&mut self, out: &mut Vec<u8>) {
        let levels = DEPTH_MAX - self.rng.below(2);
        let mut closing = Vec::new();
        for level in 0..levels - 1 {
            let (open, close): (&[u8], _) =
                if level % 2 == 0 { (b"{\"d\":", b'}') } else { (b"[", b']') };
            out.extend_from_slice(open);
            closing.push(close);
        }
        out.extend_from_slice(b"[]");
        out.extend(closing.iter().rev());
    }

    /// Hundreds of members, white space between them.
    fn wide(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{ ");
        for index in 0..200 + self.rng.below(300) {
            let comma = if index == 0 { "" } else { " ,\n\t" };
            let number = self.rng.pick(&NUMBERS);
            // Writing to memory does not fail.
            let _ = write!(out, "{comma}\"m{index}\" : {number}");
        }
        out.extend_from_slice(b"\r\n}");
    }

    fn object(&mut self, out: &mut Vec<u8>, levels: u64) {
        out.push(b'{');
        for index in 0..1 + self.rng.below(6) {
            if index > 0 {
                out.push(b',');
            }
            // The number in front keeps names different from each other.
            let name = format!("{index}{}", self.any_text());
            write_json_string(&name, out);
            out.push(b':');
            self.value(out, levels);
        }
        out.push(b'}');
    }

    fn value(&mut self, out: &mut Vec<u8>, levels: u64) {
        match self.rng.below(if levels > 1 { 7 } else { 5 }) {
            0 | 1 => out.extend_from_slice(self.rng.pick(&NUMBERS).as_bytes()),
            2 => out.extend_from_slice(self.rng.pick(&TOKENS).as_bytes()),
            3 => write_json_string(&self.any_text(), out),
            4 => out.extend_from_slice(self.rng.pick(&["true", "false", "null"]).as_bytes()),
            5 => self.object(out, levels - 1),
            _ => {
                out.push(b'[');
                self.value(out, levels - 1);
                out.push(b',');
                self.value(out, levels - 1);
                out.push(b']');
            }
        }
    }
}
