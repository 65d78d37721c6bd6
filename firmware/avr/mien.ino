// Mien for an Arduino Mega 2560. Everything is in the C files of this folder, main() included: they use the
// processor's own UART, I2C and timer, and none of Serial, Wire or setup() and loop().
