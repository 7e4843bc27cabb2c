"""openai: transcriptions in every format and as a stream, translations, and speech."""

import os

from openai import BadRequestError, OpenAI

client = OpenAI(base_url=os.environ["PROXY_URL"] + "/v1", api_key=os.environ["PROXY_KEY"], max_retries=0)
recording = ("meeting.wav", b"RIFF" + bytes(1000), "audio/wav")

for model in ["whisper", "whisperx", "speech-recognition"]:
    answer = client.audio.transcriptions.create(model=model, file=recording)
    assert answer.text.startswith("I heard 1004 bytes"), answer
    text = client.audio.transcriptions.create(model=model, file=recording, response_format="text")
    assert text.startswith("I heard 1004 bytes"), text
    for response_format, beginning in [("srt", "1\n00:00:00,000 --> "), ("vtt", "WEBVTT\n\n")]:
        text = client.audio.transcriptions.create(model=model, file=recording, response_format=response_format)
        assert text.startswith(beginning), text
    verbose = client.audio.transcriptions.create(model=model, file=recording, response_format="verbose_json")
    assert verbose.segments[0].text.startswith("I heard"), verbose
    events = list(client.audio.transcriptions.create(model=model, file=recording, stream=True))
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert events[-1].type == "transcript.text.done" and events[-1].text == "".join(deltas), events

words = client.audio.transcriptions.create(
    model="whisper", file=recording, language="de", prompt="llamas", timestamp_granularities=["word", "segment"]
)
assert " in de " in words.text, words
assert client.audio.translations.create(model="whisper", file=recording).text.startswith("I translated"), "translations"
try:
    client.audio.translations.create(model="whisperx", file=recording)
except BadRequestError as error:
    assert "translate" in error.message, error
else:
    raise AssertionError("whisperx does not translate")

with client.audio.speech.with_streaming_response.create(model="omni", input="Hello there", voice="alloy") as speech:
    sound = b"".join(speech.iter_bytes())
assert sound.startswith(b"RIFF") and len(sound) == 15, sound
images = client.images.generate(model="omni", prompt="a llama", n=2)
assert len(images.data) == 2 and images.data[0].b64_json, images
try:
    client.chat.completions.create(model="whisperx", messages=[{"role": "user", "content": "hi"}])
except BadRequestError as error:
    assert "/v1/audio/transcriptions" in error.message, error
else:
    raise AssertionError("whisperx does not chat")
