//! Completions, manual pages and help.

use crate::process::Home;

#[test]
fn each_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let printed = Home::empty().run(&["completions", shell]);
        assert_eq!(printed.code, Some(0), "{shell}");
        for word in ["doctor", "inference-component"] {
            assert!(printed.out.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let home = Home::empty();
    let folder = home.path().join("man1");
    let printed = home.run(&["man", "--output", folder.to_str().unwrap()]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    for name in ["sagewire", "sagewire-chat", "sagewire-doctor", "sagewire-embed", "sagewire-template-render"] {
        let page = std::fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH \"EXAMPLES\""), "{name}");
    }
    let printed = home.run(&["man", "template", "render"]);
    assert!(printed.out.contains("template render"), "{printed:?}");
    assert_eq!(home.run(&["man", "nonsense"]).code, Some(2));
}

#[test]
fn the_help_tells_the_exit_codes_without_colours_on_a_pipe() {
    let printed = Home::empty().run(&["--help"]);
    assert!(printed.out.contains("Exit codes:") && printed.out.contains("130"), "{printed:?}");
    assert!(!printed.out.contains('\x1b'));
}
