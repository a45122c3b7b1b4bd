package io.jvmm.ffi.kvm;

final class Placeholder {}
