"""What a run says and how it is drawn: words, frames, charts and documents, without a screen."""
