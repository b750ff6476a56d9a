//! Links libFuzzer into the program alone: the library beside it cannot take it.

fn main() {
    let runtime = std::env::var("LIBFUZZER").expect("LIBFUZZER names libFuzzer.a: call make fuzz-native");
    for argument in [runtime.as_str(), "-lstdc++", "-lm", "-lc"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rerun-if-env-changed=LIBFUZZER");
}
