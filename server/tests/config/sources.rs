//! Which source goes before which, and what each may say.

use std::path::Path;
use std::time::Duration;

use shoseki_server::config::{ClientAuth, KEYS, Key, Settings, Sources, TABLES};

use crate::support::{Folder, environment, with_variables};

#[test]
fn the_command_line_goes_before_the_environment_and_that_before_the_file() {
    let folder = Folder::new();
    let file = folder.write(
        "a.toml",
        "data_dir = \"/file\"\n[server]\nlisten = \"127.0.0.1:1\"\n[query]\ntimeout = \"1m\"\n",
    );
    let mut sources = Sources { file: Some(file.into()), ..Sources::default() };
    let load = |sources: &Sources| Settings::read(sources).expect("valid");
    let settings = load(&sources);
    assert_eq!((settings.data_dir.as_path(), settings.listen.port()), (Path::new("/file"), 1));
    sources.environment =
        environment(&[("SHOSEKI_DATA_DIR", "/variable"), ("SHOSEKI_SERVER_LISTEN", "[::1]:2")]);
    let settings = load(&sources);
    assert_eq!((settings.data_dir.as_path(), settings.listen.port()), (Path::new("/variable"), 2));
    sources.data_dir = Some("/argument".into());
    sources.listen = Some(([127, 0, 0, 1], 3).into());
    let settings = load(&sources);
    assert_eq!((settings.data_dir.as_path(), settings.listen.port()), (Path::new("/argument"), 3));
    assert_eq!(settings.identity.keys, Path::new("/argument/keys/tokens.jwks"));
    assert_eq!(settings.query.timeout, Duration::from_secs(60));
}

#[test]
fn a_variable_names_the_file() {
    let folder = Folder::new();
    let file = folder.write("b.toml", "[import]\nproducer = \"trail\"\n");
    let settings = with_variables(&[("SHOSEKI_CONFIG", &file)]).expect("valid");
    assert_eq!(settings.import.producer.as_deref(), Some("trail"));
    let faults = with_variables(&[("SHOSEKI_CONFIG", "nowhere.toml")]).err().expect("a fault");
    assert!(faults[0].starts_with("nowhere.toml: expected a file to read"), "{faults:?}");
    with_variables(&[("SHOSEKI_CONFIG", "")]).expect("none is named");
}

#[test]
fn variables_say_what_the_file_says() {
    let settings = with_variables(&[
        ("SHOSEKI_PROFILE", "development"),
        ("SHOSEKI_LOG_SEGMENT_RAW_LEN_MAX", "2GiB"),
        ("SHOSEKI_LOG_QUEUE_LEN_MAX", "4096"),
        ("SHOSEKI_SERVER_CORS_ORIGINS", "https://a.example, https://b.example"),
        ("SHOSEKI_SERVER_TRUSTED_PROXIES", ""),
        ("SHOSEKI_SERVER_PUBLIC_TILES", "false"),
        ("SHOSEKI_IDENTITY_ALLOW_NETWORKS_ADMIN", "10.0.0.0/8,192.0.2.1"),
        ("SHOSEKI_TESTDATA", "anything"),
        ("PATH", "anything"),
    ])
    .expect("valid");
    assert_eq!(settings.log.segment_raw_len_max, 2 << 30);
    assert_eq!(settings.log.queue_len_max, 4096);
    assert_eq!(settings.cors_origins, ["https://a.example", "https://b.example"]);
    assert!(settings.trusted_proxies.is_empty() && !settings.public_tiles);
    let networks = settings.identity.allow_networks.values().flatten().map(ToString::to_string);
    assert_eq!(networks.collect::<Vec<_>>(), ["10.0.0.0/8", "192.0.2.1/32"]);
}

#[test]
fn variables_have_faults_too() {
    let faults = with_variables(&[
        ("SHOSEKI_SERVER_LISEN", "127.0.0.1:1"),
        ("SHOSEKI_QUERY_TIMEOUT", "soon"),
        ("SHOSEKI_INGEST_SOURCE_SYSTEMS", "a"),
        ("SHOSEKI_ENTIRELY_OTHER_THING", "a"),
        ("SHOSEKI_LIMITS_DETAIL_DEPTH_MAX", "+9"),
    ]);
    let expected = [
        "SHOSEKI_ENTIRELY_OTHER_THING: expected a variable that is known, got \
         \"SHOSEKI_ENTIRELY_OTHER_THING\"; unset it, or see configuration.md for what there is",
        "SHOSEKI_INGEST_SOURCE_SYSTEMS: expected a variable that is known, got \
         \"SHOSEKI_INGEST_SOURCE_SYSTEMS\"; ingest.source_systems is set in the file only",
        "SHOSEKI_LIMITS_DETAIL_DEPTH_MAX: limits.detail_depth_max: expected a number from 1 to 64, \
         got \"+9\"",
        "SHOSEKI_QUERY_TIMEOUT: query.timeout: expected a time from 1s to 1h, such as \"30s\", got \
         \"soon\"",
        "SHOSEKI_SERVER_LISEN: expected a variable that is known, got \"SHOSEKI_SERVER_LISEN\"; \
         did you mean `SHOSEKI_SERVER_LISTEN`?",
    ];
    assert_eq!(faults.err().expect("faults"), expected);
}

#[test]
fn a_fault_in_the_file_stays_one_where_a_variable_goes_before_it() {
    let folder = Folder::new();
    let file = folder.write("c.toml", "[query]\ntimeout = \"soon\"\n");
    let pairs = [("SHOSEKI_CONFIG", file.as_str()), ("SHOSEKI_QUERY_TIMEOUT", "5s")];
    assert_eq!(with_variables(&pairs).err().map(|faults| faults.len()), Some(1));
}

#[test]
fn every_key_has_one_path_and_one_variable_and_reaches_its_field() {
    let mut paths = std::collections::BTreeSet::new();
    let mut variables = std::collections::BTreeSet::new();
    for key in Key::all() {
        assert!(paths.insert(key.path) && variables.insert(key.variable()), "{}", key.path);
        let (section, name) = key.split();
        let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let text = format!("{header}{name} = {}\n", other_value(key));
        // Only the values are asked here, not what they mean together.
        let settings = match Folder::new().read(&text) {
            Ok(settings) => settings,
            Err(faults) => {
                let key_is_fine = faults.iter().all(|fault| fault.key != key.path);
                assert!(key_is_fine, "{text}{faults:?}");
                continue;
            }
        };
        let usual = Settings::development(Path::new("./shoseki-data"));
        assert_ne!(key.value_in(&settings), key.value_in(&usual), "{}", key.path);
    }
    assert!(TABLES.iter().all(|(path, _)| !paths.contains(path)));
    assert_eq!(paths.len(), KEYS.iter().map(|section| section.len()).sum::<usize>());
}

/// Another value than the default.
fn other_value(key: &Key) -> &'static str {
    match key.path {
        "profile" => "\"ci\"",
        "tls.client_auth" => "\"optional\"",
        "server.cors_origins" => "[\"https://a.example\"]",
        path if path.starts_with("server.") && key.shown == "[]" => "[\"10.0.0.0/8\"]",
        "masking.enabled" => "false",
        "ingest.in_flight_len_max" => "\"128MiB\"",
        "limits.record_len_max" => "\"128KiB\"",
        path if path.contains("listen") => "\"127.0.0.1:9\"",
        _ => match key.shown.trim_matches('"') {
            "true" => "false",
            "[]" => "[\"a\"]",
            shown if shown.parse::<u64>().is_ok() => "7",
            shown if shown.ends_with("iB") => "\"2MiB\"",
            shown if shown.ends_with(['s', 'h']) && shown.len() <= 3 => "\"7s\"",
            shown if shown.starts_with('[') => "[\"10.0.0.0/8\"]",
            shown if shown.starts_with("https") => "\"https://other.example\"",
            _ => "\"other\"",
        },
    }
}

#[test]
fn tables_are_taken() {
    let text = "[ingest.source_systems]\nimporter = [\"claims\", \"phr\"]\n\
                [tls]\ncertificate = \"a\"\nkey = \"b\"\nclient_ca = \"c\"\n\
                client_auth = \"optional\"\n\
                [[identity.clients]]\ncertificate = \"dns:a\"\nsubject = \"importer\"\n\
                roles = [\"writer\"]\nfacilities = [\"f1\"]\n";
    let settings = Folder::new().read(text).expect("valid");
    assert_eq!(settings.ingest.source_systems["importer"], ["claims", "phr"]);
    assert_eq!(settings.identity.clients[0].subject, "importer");
    assert_eq!(settings.tls.expect("there").client_auth, ClientAuth::Optional);
}
