package io.jvmm.ffi.linux;

final class Placeholder {}
