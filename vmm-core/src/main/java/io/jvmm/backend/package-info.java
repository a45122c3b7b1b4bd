/** The host's side of devices: where a console's bytes go, and where they come from. */
package io.jvmm.backend;
