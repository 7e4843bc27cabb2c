use std::{collections::BTreeSet, fs, path::Path};

use super::*;

#[test]
fn a_browser_prefers_the_page_and_other_clients_json() {
    for (accept, page) in [
        (vec!["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], true),
        (vec!["Text/HTML"], true),
        (vec!["image/avif", "text/html;q=0.9"], true),
        (vec!["application/json"], false),
        (vec!["application/json, text/html"], false),
        (vec!["*/*"], false),
        (vec!["text/*"], false),
        (vec![""], false),
        (vec![], false),
    ] {
        let headers: HeaderMap = accept.iter().map(|value| (header::ACCEPT, value.parse().unwrap())).collect();
        assert_eq!(prefers_page(&headers), page, "{accept:?}");
    }
}

#[test]
fn every_file_of_the_folder_is_in_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("ui");
    let on_disk: BTreeSet<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let included: BTreeSet<_> = PAGE.iter().map(|file| file.name.to_owned()).collect();
    assert_eq!(included, on_disk);
}

/// Compressed it is less; nothing that a browser loads is anywhere else.
#[test]
fn the_page_is_small_without_compression() {
    let bytes: usize = PAGE.iter().map(|file| file.content.len()).sum();
    assert!(bytes <= 150 * 1024, "{bytes} bytes");
}

#[test]
fn text_never_becomes_markup_and_nothing_is_loaded_from_elsewhere() {
    for file in PAGE {
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "eval(",
            "new Function",
            "localStorage",
            "sessionStorage",
            "document.cookie",
            "style=\"",
        ] {
            assert!(!file.content.contains(forbidden), "`{}` contains `{forbidden}`", file.name);
        }
        // Attributes that load, and imports, name files of the page itself.
        for (at, _) in file.content.match_indices("://") {
            let line = file.content.get(..at).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
            assert!(
                !["src=", "href=\"http", "import ", "url("].iter().any(|loads| line.contains(loads)),
                "`{}` loads from elsewhere: {line}",
                file.name
            );
        }
    }
}
