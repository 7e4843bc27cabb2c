use super::*;

#[test]
fn numbers_pass_through_untouched() {
    let json = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10, -1e-7,3]}],"model":"m"}"#;
    let response: EmbedResponse = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&response).unwrap(), json);
    assert_eq!(*response.data[0].floats(), [0.1, -1e-7, 3.0]);
}

#[test]
fn base64_is_read_as_little_endian_floats() {
    let vector: Vector = serde_json::from_str(r#""AACAPwAAAMA=""#).unwrap();
    assert_eq!(*vector.floats(), [1.0, -2.0]);
}

#[test]
fn something_else_is_refused() {
    for json in ["null", "7", r#"{"a":1}"#, r#"["a"]"#, "[null]", "[[1]]", r#""AACAPwA=""#, r#""not base64""#] {
        assert!(serde_json::from_str::<Vector>(json).is_err(), "{json}");
    }
}

#[test]
fn each_form_of_input_is_told_apart() {
    for (json, len, has_texts) in
        [(r#""a""#, 1, true), (r#"["a","b"]"#, 2, true), ("[1,2,3]", 1, false), ("[[1],[2]]", 2, false)]
    {
        let input: EmbedInput = serde_json::from_str(json).unwrap();
        assert_eq!((input.len(), input.texts().is_some()), (len, has_texts), "{json}");
        assert_eq!(serde_json::to_string(&input).unwrap(), json);
    }
}

#[test]
fn an_input_is_made_from_every_list_of_texts() {
    let owned = vec!["a".to_owned(), "b".to_owned()];
    let borrowed: Vec<&str> = owned.iter().map(String::as_str).collect();
    let both = EmbedInput::Texts(owned.clone());
    for input in [
        EmbedInput::from(owned.clone()),
        EmbedInput::from(&owned),
        EmbedInput::from(owned.as_slice()),
        EmbedInput::from([owned[0].clone(), owned[1].clone()]),
        EmbedInput::from(owned.iter().collect::<Vec<_>>()),
        EmbedInput::from(borrowed.clone()),
        EmbedInput::from(&borrowed),
        EmbedInput::from(borrowed.as_slice()),
        EmbedInput::from(["a", "b"]),
        EmbedInput::from(&["a", "b"]),
        EmbedInput::from(vec![Cow::Borrowed("a"), "b".into()]),
        "a b".split(' ').collect(),
        owned.iter().cloned().collect(),
    ] {
        assert_eq!(input, both);
    }
    for input in [EmbedInput::from("a"), EmbedInput::from("a".to_owned()), EmbedInput::from(&owned[0])] {
        assert_eq!(input, EmbedInput::Text("a".to_owned()));
    }
    assert_eq!(EmbedInput::from(vec![1, 2]), EmbedInput::Tokens(vec![1, 2]));
    assert_eq!(EmbedInput::from(vec![vec![1], vec![2]]), EmbedInput::TokenLists(vec![vec![1], vec![2]]));
}

#[test]
fn setters_set_the_fields_of_their_names() {
    let request = EmbedRequest::new("m", "a")
        .with_dimensions(256)
        .with_encoding_format(EncodingFormat::Base64)
        .with_user("u")
        .with_parameter("input_type", "query");
    let json =
        r#"{"model":"m","input":"a","dimensions":256,"encoding_format":"base64","user":"u","input_type":"query"}"#;
    assert_eq!(serde_json::to_string(&request).unwrap(), json);
}

#[test]
fn debug_does_not_print_thousands_of_numbers() {
    assert_eq!(format!("{:?}", Vector::Floats(vec![0.0; 1024])), "Floats(1024 numbers)");
}

#[test]
fn json_written_by_hand_is_serde_jsons() {
    let mut response = EmbedResponse::new(
        "a \"model\"",
        [
            serde_json::from_str("[0.10, -1e-7,3]").unwrap(),
            Vector::Floats(vec![1.0, -2.5]),
            Vector::Base64(Base64Floats::from(&[1.0, -2.0][..])),
        ],
    );
    let same = |response: &EmbedResponse| {
        assert_eq!(String::from_utf8(response.to_json().unwrap()).unwrap(), serde_json::to_string(response).unwrap());
    };
    same(&response);
    response.usage = Some(Usage::reported(3, 0));
    response.extra.insert("a\nb".to_owned(), serde_json::json!({"c": [null, "d"]}));
    same(&response);
    same(&EmbedResponse::new("", []));
}
