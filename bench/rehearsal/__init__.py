"""The rehearsal: nodes under load lose a disk, a network and their build, and are judged."""
