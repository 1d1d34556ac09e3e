"""The ways out: each channel builds one request and judges one answer; `post` sends."""
