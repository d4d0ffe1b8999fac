//! Mapping files, paths and filters of importers, and events through whatever mapping loads.

use shoseki_engine::record::Limits;
use shoseki_import::{Dialect, Filter, Importer, Mapping, Path};

use crate::memory::within;

const END: &str = "\n---\n";

pub(super) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (file, events) = text.split_once(END).unwrap_or((&text, "{}"));
    for line in file.lines() {
        if let Ok(path) = line.parse::<Path>() {
            assert_eq!(path.to_string().parse::<Path>().as_ref(), Ok(&path), "{path}");
        }
        let _ = line.parse::<Filter>();
    }
    let limit = (1 << 20) + file.len() * 512;
    match within(limit, "a mapping", || file.parse::<Mapping>()) {
        Ok(mapping) => {
            let importer = Importer {
                dialect: Dialect::Mapped(Box::new(mapping)),
                root: None,
                filters: Vec::new(),
                facility: None,
                limits: Limits::default(),
            };
            super::import::read(&importer, events.as_bytes());
        }
        Err(faults) => assert!(!faults.0.is_empty() && !faults.to_string().is_empty()),
    }
}

const FILES: [&str; 5] = [
    r#"[fields]
timestamp = [
  { path = "t", zone = "+09:00" }, { path = "ms", unit = "ms" }, { path = "s", unit = "s" },
]
actor_type = { value = "user" }
actor_id = ["u.id", "'odd.name'.x", "list[0].a", "list[k=v].a"]
action = { template = "{a}:{b.c}" }
result = { path = "ok", map = { true = "success", "*" = "failure" } }
"#,
    "[input]\nitems = \"R\"\nevent = \"d\"\n[fields]\ntimestamp = \"t\"\n\
     actor_type = { value = \"x\" }\n",
    "a.b\na[0].b\na[k=v].b\n'a.b'.c\nkind=human\nkind!=x\n",
    "[fields]\nnope = 1\ntimestamp = {}\naction = { template = \"{\" }\n",
    "[fields]\naudit_id = \"id\"\nsensitivity = { path = \"l\", map = { 1 = \"low\" } }\n\
     pii_flag = \"p\"\n",
];

const EVENTS: &str = r#"{"t":"2026-11-21 09:30:00","u":{"id":"a"},"a":1,"b":{"c":"x"},"ok":true}
{"ms":1795262400000.5,"list":[{"k":"v","a":"z"}],"a":"1","b":{"c":null}}
{"s":-1,"odd.name":{"x":"y"},"a":[],"b":{}}"#;

pub(super) fn seeds() -> Vec<Vec<u8>> {
    FILES.iter().map(|file| [file.as_bytes(), END.as_bytes(), EVENTS.as_bytes()].concat()).collect()
}
