"""The words of proposals: key, Chinese, English."""
