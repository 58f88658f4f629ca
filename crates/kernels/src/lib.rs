//! Fused CPU operations for candle, forward and backward.
