"""The parts of the panel: each joins some widgets of MACTFusion.ui to what they show and do."""
