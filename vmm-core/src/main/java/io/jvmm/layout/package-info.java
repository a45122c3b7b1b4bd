// SPDX-License-Identifier: Apache-2.0
/**
 * Where things are in every guest: physical addresses, ports and interrupt lines, each with its
 * reason. Constants only, no behaviour; every other room may use it and it uses none.
 */
package io.jvmm.layout;
