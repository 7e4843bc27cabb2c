//! [`Image`]: the parts of an image's name.

/// The name of a container image: `<registry>/<path>:<tag>` or `<registry>/<path>@<digest>`.
///
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image<'a> {
    /// The last part of the path: `vllm`.
    pub(super) repository: &'a str,
    /// The tag; empty if a digest stands for it.
    pub(super) tag: &'a str,
}

impl<'a> Image<'a> {
    pub(super) fn new(image: &'a str) -> Self {
        let name = image.split_once('@').map_or(image, |(name, _)| name);
        let last = name.rsplit('/').next().unwrap_or(name);
        let (repository, tag) = last.split_once(':').unwrap_or((last, ""));
        Self { repository, tag }
    }

    /// The version that follows `mark` in the tag, major and minor: (3, 1) after `tgi` in
    /// `2.6.0-tgi3.1.0-gpu`.
    pub(super) fn version_after(self, mark: &str) -> Option<(u32, u32)> {
        self.tag.match_indices(mark).find_map(|(at, _)| version(self.tag.get(at + mark.len()..)?))
    }

    /// The version at the beginning of the tag.
    pub(super) fn version(self) -> Option<(u32, u32)> {
        version(self.tag)
    }
}

/// The version that a text begins with. Without a minor version that is 0.
pub(super) fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        (part.get(..digits).and_then(|digits| digits.parse::<u32>().ok()), digits == part.len())
    });
    let (major, is_whole) = numbers.next()?;
    let minor = if is_whole { numbers.next().and_then(|(minor, _)| minor) } else { None };
    Some((major?, minor.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_and_tag_are_found_in_every_form() {
        for (image, repository, tag) in [
            ("763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30-gpu", "vllm", "0.30-gpu"),
            ("public.ecr.aws/deep-learning-containers/vllm:server-2.6", "vllm", "server-2.6"),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/my-vllm@sha256:abcd", "my-vllm", ""),
            ("localhost:5000/tei", "tei", ""),
            ("tei:1.8@sha256:00", "tei", "1.8"),
            ("", "", ""),
        ] {
            assert_eq!(Image::new(image), Image { repository, tag }, "{image}");
        }
    }

    #[test]
    fn versions_stand_at_the_beginning_or_after_a_mark() {
        let version = |tag, mark| Image { repository: "", tag }.version_after(mark);
        assert_eq!(version("2.6.0-tgi3.1.0-gpu-py311", "tgi"), Some((3, 1)));
        assert_eq!(version("0.11.2-gpu-py312-cu129-ubuntu22.04-sagemaker-v1.2", "-v"), Some((1, 2)));
        assert_eq!(version("server-2.6", "server-"), Some((2, 6)));
        assert_eq!(version("0.11-sagemaker-v1", "-v"), Some((1, 0)));
        assert_eq!(version("latest", "tgi"), None);
        assert_eq!(Image { repository: "", tag: "0.33.0-lmi15.0.0-cu128" }.version(), Some((0, 33)));
        assert_eq!(Image { repository: "", tag: "v1.5" }.version(), None);
    }
}
