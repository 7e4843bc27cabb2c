use super::*;

fn is_list(json: &str) -> bool {
    NumberList::from_json(json.to_owned()).is_ok()
}

#[test]
fn only_lists_of_numbers_are_such() {
    for json in ["[]", "[ ]", "[1]", "[0.1, -1e-7,3E+2]", "[\n 12.5 ,\t10\r\n]", "[1e999]", "[-0.0]"] {
        assert!(is_list(json), "{json}");
    }
    for json in
        ["", "[", "]", "[,]", "[1,]", "[null]", "[[1]]", "[1,\"a\"]", "[true]", "7", "{}", "[1,[2]]", "[NaN]", "[1]]"]
    {
        assert!(!is_list(json), "{json}");
    }
}

#[test]
fn what_containers_write_is_told_without_reading_it_as_json() {
    let python = "-0.012345678, 0.5, 1.2e-05, -3.4028235e+38, 0, 1, -0.0, 0.0";
    let rust = "-0.012345678,0.5,1.2e-5,-3.4028235e38,0,12,-0.0,0.0";
    for numbers in [python, rust] {
        for repeated in 1..40 {
            let inside = vec![numbers; repeated].join(",");
            assert!(are_usual_numbers(inside.as_bytes()), "{inside}");
        }
    }
}

/// Both ways of looking agree on this inside of a list, unless the quick one leaves it to the
/// other.
fn agree(inside: &[u8]) {
    if are_usual_numbers(inside) {
        let json = [b"[", inside, b"]"].concat();
        assert!(check(&json).is_ok(), "{}", String::from_utf8_lossy(inside));
    }
}

#[test]
fn every_short_text_is_judged_as_json_judges_it() {
    const LETTERS: &[u8] = b"01-+.e, ";
    for length in 1..=6_u32 {
        for number in 0..LETTERS.len().pow(length) {
            let text: Vec<u8> =
                (0..length).map(|place| LETTERS[number / LETTERS.len().pow(place) % LETTERS.len()]).collect();
            agree(&text);
        }
    }
}

#[test]
fn every_change_of_a_byte_is_judged_as_json_judges_it() {
    let list = "0.5,-0.25, 1.5e-07,".repeat(12);
    let list = list.trim_end_matches(',').as_bytes();
    assert!(are_usual_numbers(list));
    for at in 0..list.len() {
        for byte in 0..=u8::MAX {
            let mut changed = list.to_vec();
            changed[at] = byte;
            agree(&changed);
        }
        let mut longer = list.to_vec();
        longer.insert(at, b'e');
        agree(&longer);
        agree(&list[..at]);
    }
}

#[test]
fn numbers_are_counted() {
    for (json, count) in [("[]", 0), ("[ ]", 0), ("[1]", 1), ("[1, 2,3]", 3)] {
        let list = NumberList::from_json(json).unwrap();
        assert_eq!((list.len(), list.is_empty()), (count, count == 0), "{json}");
        assert_eq!(list.floats().len(), count);
    }
}

#[test]
fn numbers_are_read_as_json_reads_them() {
    let list = NumberList::from_json("[\n -0.0, 1E5,1e+5,\t-1.5e-3 , 3.4028235e38,0.1]").unwrap();
    assert_eq!(list.floats(), [-0.0, 1e5, 1e5, -1.5e-3, f32::MAX, 0.1]);
    let list = NumberList::from_json("[1e999, -1e999]").unwrap();
    assert_eq!(list.floats(), [f32::INFINITY, f32::NEG_INFINITY]);
}

#[test]
fn a_number_that_a_32_bit_float_cannot_hold_is_noticed() {
    for (json, is_finite) in [
        ("[0.1,-2.5e-7,3.4e38]", true),
        ("[1e-400]", true),
        ("[0.1,3.5e38]", false),
        ("[1E+39]", false),
        ("[-1e400]", false),
        ("[12345678901234567890.5e20]", false),
    ] {
        let list = NumberList::from_json(json).unwrap();
        let floats_are_finite = list.floats().iter().all(|float| float.is_finite());
        assert_eq!((list.is_finite(), floats_are_finite), (is_finite, is_finite), "{json}");
    }
}
