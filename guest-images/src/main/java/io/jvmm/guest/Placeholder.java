package io.jvmm.guest;

final class Placeholder {}
