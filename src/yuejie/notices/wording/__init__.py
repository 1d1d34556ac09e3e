"""What notices say, in zh-CN and en, as text, HTML, Markdown and parameters of an SMS."""
