"""GGUF files from the Hugging Face Hub, through `huggingface_hub` (the extra `hub`)."""
